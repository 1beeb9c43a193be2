// Reads x where it lies, not padded.
struct Fields {
  in_size: vec2u, // H, W
  in_vec4s: u32, // of a pixel of x
}

// The vec4 `lane` of the pixel at row and column `at` of the image whose first row is `image_row` of all; 0 outside it, and if not `is_used`.
fn gather_x(image_row: u32, at: vec2i, lane: u32, is_used: bool) -> vec4f {
  let is_inside = is_used && all(at >= vec2i(0)) && all(vec2u(at) < params.in_size);
  let address = ((image_row + u32(at.x)) * params.in_size.y + u32(at.y)) * params.in_vec4s + lane;
  return select(vec4f(0.0), x[select(0u, address, is_inside)], is_inside);
}
