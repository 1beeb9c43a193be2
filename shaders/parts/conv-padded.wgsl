// Where a convolution reads an x that is padded so that every load is inside. In vec4s of x; fields of conv-phase too.
struct Fields {
  x_cell: vec2u, // from a cell to the next, down and across
  x_image: u32,
  x_tap: vec2i, // from a tap to the next one used; not positive in a transpose
  before: vec2u, // rows and columns of padding
}

// Under the first tap of a phase's first pixel: 0 but in a transpose, whose cells are neighbours in x.
fn x_start(taps: Taps) -> u32 {
  let start = vec2u(taps.start + vec2i(params.before));
  return start.x * params.x_cell.x + start.y * params.x_cell.y;
}

// From there to a place. Behind the last one: somewhere inside x.
fn x_offset(place: vec3u) -> u32 {
  return min(place.x, params.images - 1u) * params.x_image + place.y * params.x_cell.x + place.z * params.x_cell.y;
}
