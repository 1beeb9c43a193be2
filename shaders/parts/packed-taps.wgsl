// Which tap of a window won, for four channels: a byte each, 255 for none.
fn pack(taps: vec4i) -> u32 {
  let bytes = vec4u(taps) & vec4u(255u); // -1 is 255
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}

fn unpack(bytes: u32) -> vec4i {
  return vec4i(vec4u(bytes, bytes >> 8u, bytes >> 16u, bytes >> 24u) & vec4u(255u));
}
