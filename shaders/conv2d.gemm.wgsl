// y = conv2d(x, weight) + bias, or its transpose by stride phases, as a matrix product (pixels by channels, over taps and input channels) through
// workgroup memory: PIXELS by CHANNELS a workgroup, 8 by 8 an invocation, 8 input channels a step; pixels outside x are 0.
// x: [N, H, W, C]; weight: [O, Kh, Kw, C/groups], or of the transpose [C, Kh, Kw, O/groups]; y: [N, I, J, O]; all in vec4s along the last axis.
// Grid: x: pixel tiles, y: channel tiles of a group, z: groups of all phases.
struct Params {
  in_size: vec2u, // H, W
  cells: vec2u, // pixels of y in a phase, down and across (a conv2d has one phase)
  pixels: u32, // N times the cells
  groups: u32,
  out_size: vec2u, // I, J
  out_step: vec2u, // from a phase's pixel to its next: the stride of a transpose, else 1
  out_channels: u32,
  out_vec4s: u32, // of a pixel of y
  out_vec4s_per_group: u32,
  in_vec4s: u32, // of a pixel of x
  in_vec4s_per_group: u32,
  origin: vec2i, // of the first tap of pixel 0 of a conv2d
  cell_step: vec2u, // rows and columns of x from a cell to the next
  x_step: vec2i, // and from a tap to the next one used; negative in a transpose
  kernel: vec2u,
  stride: vec2u,
  pad: vec2u,
  dilation: vec2u,
  tap_step: vec2u, // s / gcd(s, d) in a transpose, else 1
  tap_divisor: vec2u, // gcd(s, d)
  tap_inverse: vec2u, // of d / gcd(s, d), modulo tap_step
  weight_rows: u32, // the weight's first extent
  weight_vec4s: u32, // of a tap
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

const WG: u32 = 256u; // PIXELS / 8 * CHANNELS / 8
const TRANSPOSED: bool = false;
const PIXELS: u32 = 128u;
const CHANNELS: u32 = 128u;
const X_LOADS: u32 = 1u; // of an invocation a step: 2 PIXELS / WG
const W_LOADS: u32 = 1u; // 2 CHANNELS / WG
const X_ROW: u32 = 33u; // vec4s: PIXELS / 4, and one against bank conflicts
const W_ROW: u32 = 33u;
const X_SIZE: u32 = 264u; // 8 X_ROW
const W_SIZE: u32 = 264u;

var<workgroup> x_tile: array<vec4f, X_SIZE>; // 8 input channels, pixels along the rows
var<workgroup> w_tile: array<vec4f, W_SIZE>; // 8 input channels, output channels along the rows

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group_id: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = group_id.z % params.groups;
  let phase_index = group_id.z / params.groups;
  let phase = vec2u(phase_index / params.out_step.y, phase_index % params.out_step.y);
  let first_pixel = group_id.x * PIXELS;
  let group_o4 = group_id.y * (CHANNELS / 4u); // within the group

  // Taps of this phase and where x starts: h s = a - u d for a = phase + pad, solvable where the divisor divides a.
  var first_tap = vec2u(0u);
  var origin = params.origin;
  var end_tap = params.kernel;
  if (TRANSPOSED) {
    let a = phase + params.pad;
    first_tap = a % params.stride / params.tap_divisor * params.tap_inverse % params.tap_step;
    origin = (vec2i(a) - vec2i(first_tap * params.dilation)) / vec2i(params.stride); // no remainder
    if (a.x % params.tap_divisor.x != 0u || a.y % params.tap_divisor.y != 0u) {
      end_tap = vec2u(0u);
    }
  }

  // The pixels and weight rows that this invocation loads: a vec4 of each 8 channels.
  let x_part = local % 2u;
  var x_first: array<vec2i, X_LOADS>; // row and column under the first tap
  var x_image: array<u32, X_LOADS>;
  // @unroll
  for (var l = 0u; l < X_LOADS; l++) {
    let pixel = min(first_pixel + (local + l * WG) / 2u, params.pixels - 1u);
    let row = pixel / params.cells.y;
    x_first[l] = origin + vec2i(vec2u(row % params.cells.x, pixel % params.cells.y) * params.cell_step);
    x_image[l] = row / params.cells.x * params.in_size.x * params.in_size.y;
  }
  let row_stride = params.kernel.x * params.kernel.y * params.weight_vec4s;
  let last_row = params.weight_rows - 1u;

  var sums: array<array<vec4f, 2>, 8>;
  var tap = first_tap;
  var c4 = 0u;
  var shift = vec2i(0);
  var more = first_tap.x < end_tap.x && first_tap.y < end_tap.y;
  var started = false;
  let tn = local % (CHANNELS / 8u);
  let tm = local / (CHANNELS / 8u);
  var x_next: array<vec4f, X_LOADS>;
  var w_next: array<vec4f, W_LOADS>;
  loop {
    // A step's numbers are on their way while those of the step before are multiplied.
    let loading = more;
    if (loading) {
      // @unroll
      for (var l = 0u; l < X_LOADS; l++) {
        let at = x_first[l] + shift;
        let inside = all(at >= vec2i(0)) && all(vec2u(at) < params.in_size) && c4 + x_part < params.in_vec4s_per_group;
        let pixel = x_image[l] + u32(at.x) * params.in_size.y + u32(at.y);
        let address = pixel * params.in_vec4s + group * params.in_vec4s_per_group + c4 + x_part;
        x_next[l] = select(vec4f(0.0), x[select(0u, address, inside)], inside);
      }
      let tap_at = (tap.x * params.kernel.y + tap.y) * params.weight_vec4s;
      // @unroll
      for (var l = 0u; l < W_LOADS; l++) {
        let item = local + l * WG;
        if (TRANSPOSED) { // 8 rows of c, lanes along the output channels
          let c = c4 * 4u + item / (CHANNELS / 4u);
          let o4 = min(group_o4 + item % (CHANNELS / 4u), params.out_vec4s_per_group - 1u);
          let inside = c < params.in_vec4s_per_group * 4u;
          w_next[l] = weight[min(group * params.in_vec4s_per_group * 4u + select(0u, c, inside), last_row) * row_stride + tap_at + o4];
        } else { // a row for each output channel, lanes along c
          let o = min((group * params.out_vec4s_per_group + group_o4) * 4u + item / 2u, last_row);
          w_next[l] = weight[o * row_stride + tap_at + min(c4 + item % 2u, params.weight_vec4s - 1u)];
        }
      }
      c4 += 2u;
      if (c4 >= params.in_vec4s_per_group) {
        c4 = 0u;
        tap.y += params.tap_step.y;
        shift.y += params.x_step.y;
        if (tap.y >= end_tap.y) {
          tap = vec2u(tap.x + params.tap_step.x, first_tap.y);
          shift = vec2i(shift.x + params.x_step.x, 0);
          more = tap.x < end_tap.x;
        }
      }
    }
    if (started) {
      // @unroll
      for (var k = 0u; k < 8u; k++) {
        let p0 = x_tile[k * X_ROW + tm];
        let p1 = x_tile[k * X_ROW + PIXELS / 8u + tm];
        let w0 = w_tile[k * W_ROW + tn];
        let w1 = w_tile[k * W_ROW + CHANNELS / 8u + tn];
        // @unroll
        for (var q = 0u; q < 4u; q++) {
          sums[q][0u] += p0[q] * w0;
          sums[q][1u] += p0[q] * w1;
          sums[q + 4u][0u] += p1[q] * w0;
          sums[q + 4u][1u] += p1[q] * w1;
        }
      }
    }
    if (!loading) {
      break;
    }
    started = true;
    workgroupBarrier();
    // @unroll
    for (var l = 0u; l < X_LOADS; l++) {
      let m = (local + l * WG) / 2u;
      x_tile[(x_part * 4u) * X_ROW + m / 4u][m % 4u] = x_next[l].x;
      x_tile[(x_part * 4u + 1u) * X_ROW + m / 4u][m % 4u] = x_next[l].y;
      x_tile[(x_part * 4u + 2u) * X_ROW + m / 4u][m % 4u] = x_next[l].z;
      x_tile[(x_part * 4u + 3u) * X_ROW + m / 4u][m % 4u] = x_next[l].w;
    }
    // @unroll
    for (var l = 0u; l < W_LOADS; l++) {
      let item = local + l * WG;
      if (TRANSPOSED) {
        w_tile[item / (CHANNELS / 4u) * W_ROW + item % (CHANNELS / 4u)] = w_next[l];
      } else {
        let o = item / 2u;
        w_tile[(item % 2u * 4u) * W_ROW + o / 4u][o % 4u] = w_next[l].x;
        w_tile[(item % 2u * 4u + 1u) * W_ROW + o / 4u][o % 4u] = w_next[l].y;
        w_tile[(item % 2u * 4u + 2u) * W_ROW + o / 4u][o % 4u] = w_next[l].z;
        w_tile[(item % 2u * 4u + 3u) * W_ROW + o / 4u][o % 4u] = w_next[l].w;
      }
    }
    workgroupBarrier();
  }

  // @unroll
  for (var q = 0u; q < 8u; q++) {
    let pixel = first_pixel + q / 4u * (PIXELS / 2u) + tm * 4u + q % 4u;
    let row = pixel / params.cells.y;
    let i = row % params.cells.x * params.out_step.x + phase.x;
    let j = pixel % params.cells.y * params.out_step.y + phase.y;
    if (pixel < params.pixels && i < params.out_size.x && j < params.out_size.y) {
      // @unroll
      for (var t = 0u; t < 2u; t++) {
        let lane = group_o4 + t * (CHANNELS / 8u) + tn;
        if (lane < params.out_vec4s_per_group) {
          let o4 = group * params.out_vec4s_per_group + lane;
          let at = ((row / params.cells.x * params.out_size.x + i) * params.out_size.y + j) * params.out_vec4s + o4;
          var result = sums[q][t];
          if (params.has_bias == 1u) {
            result += bias[o4];
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
          y[at] = select(vec4f(0.0), result, vec4u(o4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.out_channels));
        }
      }
    }
  }
}
