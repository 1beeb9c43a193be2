// y = conv2d(x, weight) + bias, or its transpose by stride phases, where each channel has a kernel of its own: PIXELS pixels of one vec4 of
// channels per invocation. x: [N, P, Q, C], padded so that every load is inside; weight: [Kh, Kw, C], from conv2d.depthwise-weight;
// y: [N, I, J, C]; all in vec4s along the last axis. Grid: one invocation per vec4 of channels, pixel tile and phase, channels innermost.
struct Params {
  count: u32, // invocations
  pixel_tiles: u32, // of PIXELS
  // @fields conv-phase
  // @fields conv-pixel
  // @fields conv-padded
  // @fields conv-epilogue
}
// @include conv-bindings

override WG: u32 = 64;
const TRANSPOSED: bool = false;
const PIXELS: u32 = 4u;

// @include conv-phase
// @include conv-pixel
// @include conv-padded
// @include conv-epilogue

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let o4 = index % params.out_vec4s;
  let tile = index / params.out_vec4s;
  let first_pixel = tile % params.pixel_tiles * PIXELS;
  let phase = phase_of(tile / params.pixel_tiles);
  let taps = taps_of(phase);
  let first_x = x_start(taps) + o4;
  let first_place = place_of(first_pixel);
  var place = first_place;
  var x_pixel: array<u32, PIXELS>;
  // @unroll
  for (var q = 0u; q < PIXELS; q++) {
    x_pixel[q] = first_x + x_offset(place);
    place = next_place(place);
  }

  var sums: array<vec4f, PIXELS>;
  var x_row = 0u;
  for (var u = taps.first.x; u < taps.end.x; u += params.tap_step.x) {
    var x_tap = x_row;
    for (var v = taps.first.y; v < taps.end.y; v += params.tap_step.y) {
      let w = weight[(u * params.kernel.y + v) * params.out_vec4s + o4];
      // @unroll
      for (var q = 0u; q < PIXELS; q++) {
        sums[q] += x[x_pixel[q] + x_tap] * w;
      }
      x_tap += u32(params.x_tap.y);
    }
    x_row += u32(params.x_tap.x);
  }

  let added = bias_of(o4);
  place = first_place;
  // @unroll
  for (var q = 0u; q < PIXELS; q++) {
    let pixel = output_pixel(place, phase);
    place = next_place(place);
    if (pixel != OUTSIDE) {
      y[pixel + o4] = finish(sums[q] + added, pixel + o4, o4);
    }
  }
}
