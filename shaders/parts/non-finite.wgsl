// Infinities and NaNs by their bits: compilers may assume that there is neither among f32.
const EXPONENT: u32 = 0x7f800000u; // all of its bits are set

fn non_finite(bits: u32) -> bool {
  return (bits & EXPONENT) == EXPONENT;
}

fn non_finite4(bits: vec4u) -> vec4<bool> {
  return (bits & vec4u(EXPONENT)) == vec4u(EXPONENT);
}
