// From a place in a phase to the pixel of y. Fields of conv-phase too.
struct Fields {
  out_step: vec2u, // from a phase's pixel to its next: the stride of a transpose, else 1
}

// Tiles reach behind the last pixel, phases behind the last row and column.
const OUTSIDE = 0xffffffffu;

fn phase_of(index: u32) -> vec2u {
  return vec2u(index / params.out_step.y, index % params.out_step.y);
}

// The place's first vec4, or OUTSIDE.
fn output_pixel(place: vec3u, phase: vec2u) -> u32 {
  let i = place.y * params.out_step.x + phase.x;
  let j = place.z * params.out_step.y + phase.y;
  let at = ((place.x * params.out_size.x + i) * params.out_size.y + j) * params.out_vec4s;
  return select(OUTSIDE, at, place.x < params.images && i < params.out_size.x && j < params.out_size.y);
}
