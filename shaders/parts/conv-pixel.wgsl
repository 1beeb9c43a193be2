// From a pixel's number in its phase, counted through the batch, to its place in y. Fields of conv-phase too.
struct Fields {
  out_step: vec2u, // from a phase's pixel to its next: the stride of a transpose, else 1
}

// Tiles reach behind the last pixel, phases behind the last row and column.
const OUTSIDE = 0xffffffffu;

fn phase_of(index: u32) -> vec2u {
  return vec2u(index / params.out_step.y, index % params.out_step.y);
}

// The pixel's first vec4, or OUTSIDE.
fn output_pixel(pixel: u32, phase: vec2u) -> u32 {
  let row = pixel / params.cells.y;
  let i = row % params.cells.x * params.out_step.x + phase.x;
  let j = pixel % params.cells.y * params.out_step.y + phase.y;
  let at = ((row / params.cells.x * params.out_size.x + i) * params.out_size.y + j) * params.out_vec4s;
  return select(OUTSIDE, at, pixel < params.pixels && i < params.out_size.x && j < params.out_size.y);
}
