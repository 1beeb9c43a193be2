// y = conv2d(x, weight) + bias, or its transpose by stride phases, at any stride and dilation: an outer product in registers, PIXELS by VEC4S
// vec4s of channels per invocation. x: [N, P, Q, C], padded so that every load is inside; weight: [O, Kh, Kw, C/groups], or of the transpose
// [C, Kh, Kw, O/groups]; y: [N, I, J, O]; all in vec4s along the last axis. Grid: one invocation per channel tile, pixel tile and phase.
struct Params {
  count: u32, // invocations
  cells: vec2u, // pixels of y in a phase, down and across (a conv2d has one phase)
  pixels: u32, // N times the cells
  pixel_tiles: u32, // of PIXELS
  out_size: vec2u, // I, J
  out_step: vec2u, // from a phase's pixel to its next: the stride of a transpose, else 1
  out_channels: u32,
  out_vec4s: u32, // of a pixel of y
  out_vec4s_per_group: u32,
  in_vec4s_per_group: u32,
  x_cell: vec2u, // vec4s of x from a cell to the next, down and across
  x_image: u32,
  x_tap: vec2i, // vec4s of x from a tap to the next one used, down and across; negative in a transpose
  x_start: vec2u, // vec4s of x per row and per pixel
  before: vec2u, // rows and columns of padding in x
  kernel: vec2u,
  stride: vec2u,
  pad: vec2u,
  dilation: vec2u,
  tap_step: vec2u, // s / gcd(s, d) in a transpose, else 1
  tap_divisor: vec2u, // gcd(s, d)
  tap_inverse: vec2u, // of d / gcd(s, d), modulo tap_step
  weight_rows: u32, // the weight's first extent
  weight_vec4s: u32, // of a tap
  // Uniforms, not constants: each kernel compiles once, for seconds on software adapters.
  has_bias: u32,
  relu: u32,
  extra: u32, // 0: none, 1: added, 2: y where extra > 0, else 0
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> extra: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;
const TRANSPOSED: bool = false;
const PIXELS: u32 = 8u;
const VEC4S: u32 = 2u;

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
  let phase_index = tile / params.pixel_tiles;
  let phase = vec2u(phase_index / params.out_step.y, phase_index % params.out_step.y);
  let group = o4 / params.out_vec4s_per_group;

  // Taps of this phase and where x starts: h s = a - u d for a = phase + pad, solvable where the divisor divides a.
  var first_tap = vec2u(0u);
  var start = vec2u(0u);
  var end_tap = params.kernel;
  if (TRANSPOSED) {
    let a = phase + params.pad;
    first_tap = a % params.stride / params.tap_divisor * params.tap_inverse % params.tap_step;
    let h = (vec2i(a) - vec2i(first_tap * params.dilation)) / vec2i(params.stride); // no remainder
    start = vec2u(h + vec2i(params.before));
    if (a.x % params.tap_divisor.x != 0u || a.y % params.tap_divisor.y != 0u) {
      end_tap = vec2u(0u);
    }
  }
  let x_start = start.x * params.x_start.x + start.y * params.x_start.y + group * params.in_vec4s_per_group;
  var x_pixel: array<u32, PIXELS>;
  // @unroll
  for (var q = 0u; q < PIXELS; q++) {
    let pixel = min(first_pixel + q, params.pixels - 1u);
    let row = pixel / params.cells.y;
    x_pixel[q] = x_start + row / params.cells.x * params.x_image + row % params.cells.x * params.x_cell.x + pixel % params.cells.y * params.x_cell.y;
  }

  let row_stride = params.kernel.x * params.kernel.y * params.weight_vec4s;
  let last_row = params.weight_rows - 1u;
  var sums: array<array<vec4f, VEC4S>, PIXELS>;
  var x_row = 0u;
  for (var u = first_tap.x; u < end_tap.x; u += params.tap_step.x) {
    var x_tap = x_row;
    for (var v = first_tap.y; v < end_tap.y; v += params.tap_step.y) {
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

  // @unroll
  for (var q = 0u; q < PIXELS; q++) {
    let pixel = first_pixel + q;
    let row = pixel / params.cells.y;
    let i = row % params.cells.x * params.out_step.x + phase.x;
    let j = pixel % params.cells.y * params.out_step.y + phase.y;
    if (pixel < params.pixels && i < params.out_size.x && j < params.out_size.y) {
      // @unroll
      for (var t = 0u; t < VEC4S; t++) {
        let lane = o4 + t;
        if (lane < params.out_vec4s) {
          let at = ((row / params.cells.x * params.out_size.x + i) * params.out_size.y + j) * params.out_vec4s + lane;
          var result = sums[q][t];
          if (params.has_bias == 1u) {
            result += bias[lane];
          }
          if (params.extra == 1u) {
            result += extra[at];
          }
          if (params.relu == 1u) {
            result = max(result, vec4f(0.0));
          }
          if (params.extra == 2u) {
            result = select(vec4f(0.0), result, extra[at] > vec4f(0.0));
          }
          y[at] = select(vec4f(0.0), result, vec4u(lane * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.out_channels));
        }
      }
    }
  }
}
