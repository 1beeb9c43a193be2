// y = conv2d(x, weight) + bias, or its transpose by stride phases, at any stride and dilation: an outer product in registers, PIXELS by VEC4S
// vec4s of channels per invocation. x: [N, P, Q, C], padded so that every load is inside; weight: [O, Kh, Kw, C/groups], or of the transpose
// [C, Kh, Kw, O/groups]; y: [N, I, J, O]; all in vec4s along the last axis. Grid: one invocation per channel tile, pixel tile and phase.
struct Params {
  count: u32, // invocations
  // @fields conv-phase
  // @fields conv-pixel
  // @fields conv-padded
  // @fields conv-epilogue
  pixel_tiles: u32, // of PIXELS
  out_vec4s_per_group: u32,
  in_vec4s_per_group: u32,
  weight_rows: u32, // the weight's first extent
  weight_vec4s: u32, // of a tap
}
// @include conv-bindings

override WG: u32 = 64;
const TRANSPOSED: bool = false;
const PIXELS: u32 = 8u;
const VEC4S: u32 = 2u;

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
  let channel_tiles = (params.out_vec4s + VEC4S - 1u) / VEC4S;
  let o4 = index % channel_tiles * VEC4S;
  let tile = index / channel_tiles;
  let first_pixel = tile % params.pixel_tiles * PIXELS;
  let phase = phase_of(tile / params.pixel_tiles);
  let group = o4 / params.out_vec4s_per_group;

  let taps = taps_of(phase);
  let first_x = x_start(taps) + group * params.in_vec4s_per_group;
  let first_place = place_of(first_pixel);
  var place = first_place;
  var x_pixel: array<u32, PIXELS>;
  // @unroll
  for (var q = 0u; q < PIXELS; q++) {
    x_pixel[q] = first_x + x_offset(place);
    place = next_place(place);
  }

  let row_stride = params.kernel.x * params.kernel.y * params.weight_vec4s;
  let last_row = params.weight_rows - 1u;
  var sums: array<array<vec4f, VEC4S>, PIXELS>;
  var x_row = 0u;
  for (var u = taps.first.x; u < taps.end.x; u += params.tap_step.x) {
    var x_tap = x_row;
    for (var v = taps.first.y; v < taps.end.y; v += params.tap_step.y) {
      let tap = (u * params.kernel.y + v) * params.weight_vec4s;
      for (var c4 = 0u; c4 < params.in_vec4s_per_group; c4++) {
        var p: array<vec4f, PIXELS>;
        // @unroll
        for (var q = 0u; q < PIXELS; q++) {
          p[q] = x[x_pixel[q] + x_tap + c4];
        }
        // @unroll
        for (var t = 0u; t < VEC4S; t++) {
          // Four rows of the weight: output channels with lanes along c, or of the transpose channels c with lanes along o.
          let first_row = select((o4 + t) * 4u, (group * params.in_vec4s_per_group + c4) * 4u, TRANSPOSED);
          let lane = tap + select(c4, o4 + t - group * params.out_vec4s_per_group, TRANSPOSED);
          let w0 = weight[min(first_row, last_row) * row_stride + lane];
          let w1 = weight[min(first_row + 1u, last_row) * row_stride + lane];
          let w2 = weight[min(first_row + 2u, last_row) * row_stride + lane];
          let w3 = weight[min(first_row + 3u, last_row) * row_stride + lane];
          // @unroll
          for (var q = 0u; q < PIXELS; q++) {
            if (TRANSPOSED) {
              sums[q][t] += p[q].x * w0 + p[q].y * w1 + p[q].z * w2 + p[q].w * w3;
            } else {
              sums[q][t] += vec4f(dot(p[q], w0), dot(p[q], w1), dot(p[q], w2), dot(p[q], w3));
            }
          }
        }
      }
      x_tap += u32(params.x_tap.y);
    }
    x_row += u32(params.x_tap.x);
  }

  place = first_place;
  // @unroll
  for (var q = 0u; q < PIXELS; q++) {
    let pixel = output_pixel(place, phase);
    place = next_place(place);
    if (pixel != OUTSIDE) {
      // @unroll
      for (var t = 0u; t < VEC4S; t++) {
        let lane = o4 + t;
        if (lane < params.out_vec4s) {
          y[pixel + lane] = finish(sums[q][t] + bias_of(lane), pixel + lane, lane);
        }
      }
    }
  }
}
