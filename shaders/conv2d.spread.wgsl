// y = conv2d(x, weight) + bias, or its transpose by stride phases, at any stride and dilation: conv2d.outer with each weight loaded by one lane of
// a subgroup and spread to the others. PIXELS by VEC4S vec4s of channels per invocation; all invocations of a workgroup share phase and channels.
// x: [N, P, Q, C], padded so that every load is inside; weight: [O, Kh, Kw, C/groups], or of the transpose [C, Kh, Kw, O/groups]; y: [N, I, J, O];
// all in vec4s along the last axis. Grid: x: WG tiles of pixels, y: channel tiles, z: phases.
enable subgroups;

struct Params {
  cells: vec2u, // pixels of y in a phase, down and across (a conv2d has one phase)
  pixels: u32, // N times the cells
  out_size: vec2u, // I, J
  out_step: vec2u, // from a phase's pixel to its next: the stride of a transpose, else 1
  out_channels: u32,
  out_vec4s: u32, // of a pixel of y
  tiles_per_group: u32, // channel tiles
  out_vec4s_per_group: u32,
  in_vec4s_per_group: u32,
  in_per_group: u32,
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
  results: u32, // PIXELS * VEC4S: not a constant, or drivers unroll the stores
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

override WG: u32 = 8;
const TRANSPOSED: bool = false;
const PIXELS: u32 = 8u;
const VEC4S: u32 = 4u;
const RESULTS: u32 = 32u; // PIXELS * VEC4S
const SUBGROUP: u32 = 8u; // lanes
const LOADS: u32 = 2u; // of a lane: 4 VEC4S / SUBGROUP, rounded up
const ROW_LOADS: u32 = 1u; // of a lane in a transpose: VEC4S / SUBGROUP, rounded up

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group_id: vec3u, @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) lane: u32,
) {
  let group = group_id.y / params.tiles_per_group;
  let group_o4 = group_id.y % params.tiles_per_group * VEC4S; // within the group
  let o4 = group * params.out_vec4s_per_group + group_o4;
  let first_pixel = (group_id.x * WG + local) * PIXELS;
  let phase = vec2u(group_id.z / params.out_step.y, group_id.z % params.out_step.y);

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
  let last = params.weight_rows * row_stride - 1u;
  var w_row: array<u32, LOADS>;
  // @unroll
  for (var k = 0u; k < LOADS; k++) {
    w_row[k] = min(o4 * 4u + k * SUBGROUP + lane, params.weight_rows - 1u) * row_stride;
  }

  var sums: array<array<vec4f, VEC4S>, PIXELS>;
  var x_row = 0u;
  for (var u = first_tap.x; u < end_tap.x; u += params.tap_step.x) {
    var x_tap = x_row;
    for (var v = first_tap.y; v < end_tap.y; v += params.tap_step.y) {
      let tap = (u * params.kernel.y + v) * params.weight_vec4s;
      for (var c = 0u; c < params.in_per_group; c++) {
        let c4 = c / 4u;
        var p: array<f32, PIXELS>;
        // @unroll
        for (var q = 0u; q < PIXELS; q++) {
          p[q] = x[x_pixel[q] + x_tap + c4][c % 4u];
        }
        if (TRANSPOSED) { // a row of the weight for each c, its lanes along the output channels
          let row = tap + (group * params.in_per_group + c) * row_stride + group_o4;
          var loaded: array<vec4f, ROW_LOADS>;
          // @unroll
          for (var k = 0u; k < ROW_LOADS; k++) {
            loaded[k] = weight[min(row + k * SUBGROUP + lane, last)];
          }
          // @unroll
          for (var t = 0u; t < VEC4S; t++) {
            let w = subgroupBroadcast(loaded[t / SUBGROUP], t % SUBGROUP);
            // @unroll
            for (var q = 0u; q < PIXELS; q++) {
              sums[q][t] += p[q] * w;
            }
          }
        } else { // a row for each output channel, its lanes along c
          var loaded: array<f32, LOADS>;
          // @unroll
          for (var k = 0u; k < LOADS; k++) {
            loaded[k] = weight[w_row[k] + tap + c4][c % 4u];
          }
          // @unroll
          for (var t = 0u; t < VEC4S; t++) {
            let w = vec4f(
              subgroupBroadcast(loaded[(t * 4u) / SUBGROUP], (t * 4u) % SUBGROUP),
              subgroupBroadcast(loaded[(t * 4u + 1u) / SUBGROUP], (t * 4u + 1u) % SUBGROUP),
              subgroupBroadcast(loaded[(t * 4u + 2u) / SUBGROUP], (t * 4u + 2u) % SUBGROUP),
              subgroupBroadcast(loaded[(t * 4u + 3u) / SUBGROUP], (t * 4u + 3u) % SUBGROUP),
            );
            // @unroll
            for (var q = 0u; q < PIXELS; q++) {
              sums[q][t] += p[q] * w;
            }
          }
        }
      }
      x_tap += u32(params.x_tap.y);
    }
    x_row += u32(params.x_tap.x);
  }

  // Out in a loop: software drivers compile each store as a site of its own, for up to a second.
  var results: array<vec4f, RESULTS>;
  // @unroll
  for (var q = 0u; q < PIXELS; q++) {
    // @unroll
    for (var t = 0u; t < VEC4S; t++) {
      results[q * VEC4S + t] = sums[q][t];
    }
  }
  for (var r = 0u; r < params.results; r++) {
    let pixel = first_pixel + r / VEC4S;
    let t = r % VEC4S;
    let row = pixel / params.cells.y;
    let i = row % params.cells.x * params.out_step.x + phase.x;
    let j = pixel % params.cells.y * params.out_step.y + phase.y;
    if (pixel < params.pixels && i < params.out_size.x && j < params.out_size.y && group_o4 + t < params.out_vec4s_per_group) {
      let at = ((row / params.cells.x * params.out_size.x + i) * params.out_size.y + j) * params.out_vec4s + o4 + t;
      var result = results[r];
      if (params.has_bias == 1u) {
        result += bias[o4 + t];
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
      y[at] = select(vec4f(0.0), result, vec4u((o4 + t) * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.out_channels));
    }
  }
}
