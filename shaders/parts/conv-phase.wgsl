// The phases of a convolution, whose pixels of y all have the same taps: of a transpose as many as its stride, of a conv2d one.
struct Fields {
  cells: vec2u, // pixels of y in a phase, down and across
  images: u32, // N
  pixels: u32, // N times the cells
  out_size: vec2u, // I, J
  out_vec4s: u32, // of a pixel of y
  kernel: vec2u,
  stride: vec2u,
  pad: vec2u,
  dilation: vec2u,
  tap_step: vec2u, // s / gcd(s, d) in a transpose, else 1
  tap_divisor: vec2u, // gcd(s, d)
  tap_inverse: vec2u, // of d / gcd(s, d), modulo tap_step
}

// Image, row and column of a pixel of the phase, counted through the batch. From it next_place finds its neighbours without dividing.
fn place_of(pixel: u32) -> vec3u {
  let row = pixel / params.cells.y;
  return vec3u(row / params.cells.x, row % params.cells.x, pixel % params.cells.y);
}

fn next_place(place: vec3u) -> vec3u {
  let wraps = place.z + 1u == params.cells.y;
  let down = place.y + u32(wraps);
  let wraps_image = down == params.cells.x;
  return vec3u(place.x + u32(wraps_image), select(down, 0u, wraps_image), select(place.z + 1u, 0u, wraps));
}

struct Taps {
  first: vec2u, // then every params.tap_step-th
  end: vec2u, // 0 where a phase has none
  start: vec2i, // row and column of x under the first tap of the phase's first pixel
}

fn taps_of(phase: vec2u) -> Taps {
  var taps = Taps(vec2u(0u), params.kernel, -vec2i(params.pad));
  if (TRANSPOSED) { // h s = a - u d for a = phase + pad, solvable where the divisor divides a
    let a = phase + params.pad;
    taps.first = a % params.stride / params.tap_divisor * params.tap_inverse % params.tap_step;
    taps.start = (vec2i(a) - vec2i(taps.first * params.dilation)) / vec2i(params.stride); // no remainder
    if (a.x % params.tap_divisor.x != 0u || a.y % params.tap_divisor.y != 0u) {
      taps.end = vec2u(0u);
    }
  }
  return taps;
}

// Taps down and across.
fn tap_count(taps: Taps) -> vec2u {
  return (taps.end - min(taps.first, taps.end) + params.tap_step - 1u) / params.tap_step;
}
