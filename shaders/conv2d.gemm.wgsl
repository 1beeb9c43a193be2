// y = conv2d(x, weight) + bias, or its transpose by stride phases, as a matrix product (pixels by channels, over taps and input channels) through
// workgroup memory: PIXELS by CHANNELS a workgroup, 8 by 8 an invocation, 16 input channels a step; pixels outside x are 0.
// x: [N, H, W, C]; weight: [O, Kh, Kw, C/groups], or of the transpose [C, Kh, Kw, O/groups]; y: [N, I, J, O]; all in vec4s along the last axis.
// Grid: x: pixel tiles, y: channel tiles of a group, z: strips of the sum of each group of each phase; strips lie one behind the other in y.
struct Params {
  in_size: vec2u, // H, W
  cells: vec2u, // pixels of y in a phase, down and across (a conv2d has one phase)
  pixels: u32, // N times the cells
  groups: u32,
  strips: u32,
  steps_per_strip: u32, // of 16 input channels under a tap
  y_strip: u32, // vec4s of y from strip to strip
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
const X_ROW: u32 = 32u; // vec4s: PIXELS / 4
const W_ROW: u32 = 32u; // CHANNELS / 4
const X_SIZE: u32 = 512u; // 16 X_ROW
const W_SIZE: u32 = 512u;

var<workgroup> x_tile: array<vec4f, X_SIZE>; // 16 input channels, pixels along the rows
var<workgroup> w_tile: array<vec4f, W_SIZE>; // 16 input channels, output channels along the rows

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group_id: vec3u, @builtin(local_invocation_index) local: u32) {
  let strip = group_id.z % params.strips;
  let group = group_id.z / params.strips % params.groups;
  let phase_index = group_id.z / params.strips / params.groups;
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

  // What this invocation loads, 4x4 numbers each: 4 pixels of x, and from the other end of the workgroup 4 rows of the weight.
  let loads_x = local < 4u * X_ROW;
  let x_part = (local / (2u * X_ROW) * 2u + local % 2u) % 4u; // vec4 of the 16 channels
  let x_quad = local / 2u % X_ROW;
  let w_item = WG - 1u - local;
  let loads_w = w_item < 4u * W_ROW;
  let w_part = select(w_item / (2u * W_ROW) * 2u + w_item % 2u, w_item / W_ROW, TRANSPOSED) % 4u;
  let w_quad = select(w_item / 2u, w_item, TRANSPOSED) % W_ROW;
  var x_first: array<vec2i, 4>; // row and column under the first tap
  var x_image: array<u32, 4>;
  // @unroll
  for (var l = 0u; l < 4u; l++) {
    let pixel = min(first_pixel + x_quad * 4u + l, params.pixels - 1u);
    let row = pixel / params.cells.y;
    x_first[l] = origin + vec2i(vec2u(row % params.cells.x, pixel % params.cells.y) * params.cell_step);
    x_image[l] = row / params.cells.x * params.in_size.x * params.in_size.y;
  }
  let row_stride = params.kernel.x * params.kernel.y * params.weight_vec4s;
  let last_row = params.weight_rows - 1u;

  var sums: array<array<vec4f, 2>, 8>;
  // A step is 16 input channels under a tap; this strip's are from `step` to `last_step`.
  let taps = (end_tap - min(first_tap, end_tap) + params.tap_step - 1u) / params.tap_step;
  let blocks = (params.in_vec4s_per_group + 3u) / 4u;
  var step = strip * params.steps_per_strip;
  let last_step = min(step + params.steps_per_strip, taps.x * taps.y * blocks);
  var started = false;
  let tn = local % (CHANNELS / 8u);
  let tm = local / (CHANNELS / 8u);
  var x_next: array<vec4f, 4>;
  var w_next: array<vec4f, 4>;
  loop {
    // A step's numbers are on their way while those of the step before are multiplied.
    let loading = step < last_step;
    let c4 = step % blocks * 4u;
    let tap_index = vec2u(step / blocks / max(taps.y, 1u), step / blocks % max(taps.y, 1u));
    let tap = first_tap + tap_index * params.tap_step;
    if (loading && loads_x) {
      let shift = vec2i(tap_index) * params.x_step;
      // @unroll
      for (var l = 0u; l < 4u; l++) {
        let at = x_first[l] + shift;
        let inside = all(at >= vec2i(0)) && all(vec2u(at) < params.in_size) && c4 + x_part < params.in_vec4s_per_group;
        let pixel = x_image[l] + u32(at.x) * params.in_size.y + u32(at.y);
        let address = pixel * params.in_vec4s + group * params.in_vec4s_per_group + c4 + x_part;
        x_next[l] = select(vec4f(0.0), x[select(0u, address, inside)], inside);
      }
    }
    if (loading && loads_w) {
      let tap_at = (tap.x * params.kernel.y + tap.y) * params.weight_vec4s;
      // @unroll
      for (var l = 0u; l < 4u; l++) {
        if (TRANSPOSED) { // 4 rows of c, lanes along the output channels
          let c = min((group * params.in_vec4s_per_group + c4 + w_part) * 4u + l, last_row);
          w_next[l] = weight[c * row_stride + tap_at + min(group_o4 + w_quad, params.out_vec4s_per_group - 1u)];
        } else { // 4 rows of output channels, lanes along c
          let o = min((group * params.out_vec4s_per_group + group_o4 + w_quad) * 4u + l, last_row);
          w_next[l] = weight[o * row_stride + tap_at + min(c4 + w_part, params.weight_vec4s - 1u)];
        }
      }
    }
    step++;
    if (started) {
      // @unroll
      for (var k = 0u; k < 16u; k++) {
        let p0 = x_tile[k * X_ROW + tm];
        let p1 = x_tile[k * X_ROW + X_ROW / 2u + tm];
        let w0 = w_tile[k * W_ROW + tn];
        let w1 = w_tile[k * W_ROW + W_ROW / 2u + tn];
        // @unroll
        for (var q = 0u; q < 4u; q++) {
          sums[q][0u] = fma(vec4f(p0[q]), w0, sums[q][0u]);
          sums[q][1u] = fma(vec4f(p0[q]), w1, sums[q][1u]);
          sums[q + 4u][0u] = fma(vec4f(p1[q]), w0, sums[q + 4u][0u]);
          sums[q + 4u][1u] = fma(vec4f(p1[q]), w1, sums[q + 4u][1u]);
        }
      }
    }
    if (!loading) {
      break;
    }
    started = true;
    workgroupBarrier();
    if (loads_x) { // transposed: channels by pixels
      x_tile[x_part * 4u * X_ROW + x_quad] = vec4f(x_next[0u].x, x_next[1u].x, x_next[2u].x, x_next[3u].x);
      x_tile[(x_part * 4u + 1u) * X_ROW + x_quad] = vec4f(x_next[0u].y, x_next[1u].y, x_next[2u].y, x_next[3u].y);
      x_tile[(x_part * 4u + 2u) * X_ROW + x_quad] = vec4f(x_next[0u].z, x_next[1u].z, x_next[2u].z, x_next[3u].z);
      x_tile[(x_part * 4u + 3u) * X_ROW + x_quad] = vec4f(x_next[0u].w, x_next[1u].w, x_next[2u].w, x_next[3u].w);
    }
    if (loads_w && TRANSPOSED) {
      // @unroll
      for (var l = 0u; l < 4u; l++) {
        w_tile[(w_part * 4u + l) * W_ROW + w_quad] = w_next[l];
      }
    } else if (loads_w) {
      w_tile[w_part * 4u * W_ROW + w_quad] = vec4f(w_next[0u].x, w_next[1u].x, w_next[2u].x, w_next[3u].x);
      w_tile[(w_part * 4u + 1u) * W_ROW + w_quad] = vec4f(w_next[0u].y, w_next[1u].y, w_next[2u].y, w_next[3u].y);
      w_tile[(w_part * 4u + 2u) * W_ROW + w_quad] = vec4f(w_next[0u].z, w_next[1u].z, w_next[2u].z, w_next[3u].z);
      w_tile[(w_part * 4u + 3u) * W_ROW + w_quad] = vec4f(w_next[0u].w, w_next[1u].w, w_next[2u].w, w_next[3u].w);
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
          y[strip * params.y_strip + at] = select(vec4f(0.0), result, vec4u(o4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.out_channels));
        }
      }
    }
  }
}
