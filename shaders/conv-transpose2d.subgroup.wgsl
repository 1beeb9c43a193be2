// y = convTranspose2d(x, weight) + bias by stride phases: in one phase all output pixels have the same taps. A matrix product in registers, CELLS
// pixels of a phase by VEC4S vec4s of channels, each lane of a subgroup loading one vec4 of the weight for all. x: [N, P, Q, C], padded so that
// every load is inside; weight: [C, Kh, Kw, O]; y: [N, I, J, O]; all in vec4s along the last axis. Grid: tiles of a phase's pixels, phases, tiles
// of channels; a workgroup is one subgroup.
enable subgroups;

struct Params {
  cells: vec2u, // pixels of y in a phase, down and across
  images: u32, // N
  tile_cells: u32, // CELLS and VEC4S again: a loop whose length the driver does not know is not unrolled
  tile_vec4s: u32,
  out_channels: u32,
  out_vec4s: u32, // of a pixel of y
  in_vec4s: u32, // of a pixel of x
  last_weight: u32,
  out_size: vec2u, // I, J
  x_cell: vec2u, // vec4s of x from a cell to the next, down and across
  x_image: u32,
  x_tap: vec2i, // vec4s of x from a tap to the next one used, down and across; not positive
  before: vec2u, // rows and columns of padding in x
  kernel: vec2u,
  stride: vec2u,
  pad: vec2u,
  dilation: vec2u,
  tap_step: vec2u, // s / gcd(s, d)
  tap_divisor: vec2u, // gcd(s, d)
  tap_inverse: vec2u, // of d / gcd(s, d), modulo tap_step
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

override WG: u32 = 4; // invocations of a subgroup
const CELLS: u32 = 8u;
const LOADED: u32 = 2u; // vec4s that a subgroup loads at once: at most WG
const HALVES: u32 = 1u;
const VEC4S: u32 = 2u; // HALVES times LOADED
const CELLS_BY_VEC4S: u32 = 16u;

@compute @workgroup_size(WG)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) lane_index: u32,
) {
  let first_pixel = id.x * CELLS;
  let o4 = group.z * VEC4S;
  let phase = vec2u(group.y / params.stride.y, group.y % params.stride.y);

  // Taps of this phase and where x starts: h s = a - u d for a = phase + pad, solvable where the divisor divides a.
  let a = phase + params.pad;
  let first_tap = a % params.stride / params.tap_divisor * params.tap_inverse % params.tap_step;
  let start = vec2u((vec2i(a) - vec2i(first_tap * params.dilation)) / vec2i(params.stride) + vec2i(params.before)); // no remainder
  var taps = (params.kernel + params.tap_step - 1u - min(first_tap, params.kernel)) / params.tap_step;
  if (a.x % params.tap_divisor.x != 0u || a.y % params.tap_divisor.y != 0u) {
    taps = vec2u(0u);
  }

  let first_row = first_pixel / params.cells.y;
  let first_cell = vec3u(first_row / params.cells.x, first_row % params.cells.x, first_pixel % params.cells.y); // n, down, across
  let x_start = start.x * params.x_cell.x + start.y * params.x_cell.y;
  var cell = first_cell;
  var x_pixel: array<u32, CELLS>;
  // @unroll
  for (var q = 0u; q < CELLS; q++) {
    // Behind the last pixel: any place inside x.
    x_pixel[q] = x_start + min(cell.x, params.images - 1u) * params.x_image + cell.y * params.x_cell.x + cell.z * params.x_cell.y;
    cell = next(cell);
  }

  let weight_row = params.kernel.x * params.kernel.y * params.out_vec4s;
  let own = o4 + min(lane_index, LOADED - 1u);
  var sums: array<array<vec4f, VEC4S>, CELLS>;
  // One loop over rows of taps, taps and channels: a masked loop costs software drivers an idle round.
  var u = 0u;
  var v = 0u;
  var c4 = 0u;
  for (var left = taps.x * taps.y * params.in_vec4s; left > 0u; left--) {
    let tap = (first_tap.x + u * params.tap_step.x) * params.kernel.y + first_tap.y + v * params.tap_step.y;
    let w_at = 4u * c4 * weight_row + tap * params.out_vec4s + own;
    let x_at = u * u32(params.x_tap.x) + v * u32(params.x_tap.y) + c4;
    var p: array<vec4f, CELLS>;
    // @unroll
    for (var q = 0u; q < CELLS; q++) {
      p[q] = x[x_pixel[q] + x_at];
    }
    // @unroll
    for (var h = 0u; h < HALVES; h++) {
      // Behind C, x is zero.
      let row0 = weight[min(w_at + h * LOADED, params.last_weight)];
      let row1 = weight[min(w_at + h * LOADED + weight_row, params.last_weight)];
      let row2 = weight[min(w_at + h * LOADED + 2u * weight_row, params.last_weight)];
      let row3 = weight[min(w_at + h * LOADED + 3u * weight_row, params.last_weight)];
      // @unroll
      for (var t = 0u; t < LOADED; t++) {
        let w0 = subgroupBroadcast(row0, t);
        let w1 = subgroupBroadcast(row1, t);
        let w2 = subgroupBroadcast(row2, t);
        let w3 = subgroupBroadcast(row3, t);
        // @unroll
        for (var q = 0u; q < CELLS; q++) {
          sums[q][h * LOADED + t] += p[q].x * w0 + p[q].y * w1 + p[q].z * w2 + p[q].w * w3;
        }
      }
    }
    c4++;
    let v_next = v + u32(c4 == params.in_vec4s);
    c4 = select(c4, 0u, c4 == params.in_vec4s);
    u += u32(v_next == taps.y);
    v = select(v_next, 0u, v_next == taps.y);
  }

  var held: array<vec4f, CELLS_BY_VEC4S>;
  // @unroll
  for (var q = 0u; q < CELLS; q++) {
    // @unroll
    for (var t = 0u; t < VEC4S; t++) {
      held[q * VEC4S + t] = sums[q][t];
    }
  }
  cell = first_cell;
  for (var q = 0u; q < params.tile_cells; q++) {
    let i = cell.y * params.stride.x + phase.x;
    let j = cell.z * params.stride.y + phase.y;
    if (cell.x < params.images && i < params.out_size.x && j < params.out_size.y) {
      let pixel = ((cell.x * params.out_size.x + i) * params.out_size.y + j) * params.out_vec4s;
      for (var t = 0u; t < params.tile_vec4s; t++) {
        let lane = o4 + t;
        if (lane < params.out_vec4s) {
          y[pixel + lane] = finish(held[q * VEC4S + t], pixel + lane, lane);
        }
      }
    }
    cell = next(cell);
  }
}

// The pixel behind (n, down, across) of a phase.
fn next(cell: vec3u) -> vec3u {
  let wraps = cell.z + 1u == params.cells.y;
  let down = cell.y + u32(wraps);
  let wraps_image = down == params.cells.x;
  return vec3u(cell.x + u32(wraps_image), select(down, 0u, wraps_image), select(cell.z + 1u, 0u, wraps));
}

// The epilogue: y's vec4 at `at`, which is its pixel's `lane`-th.
fn finish(value: vec4f, at: u32, lane: u32) -> vec4f {
  var result = value;
  if (params.has_bias == 1u) {
    result += bias[lane];
  }
  var operand = vec4f(0.0);
  if (params.extra != 0u) {
    operand = extra[at];
  }
  if (params.extra == 1u) {
    result += operand;
  }
  if (params.relu == 1u) {
    result = max(result, vec4f(0.0));
  }
  if (params.extra == 2u) {
    result = select(vec4f(0.0), result, operand > vec4f(0.0));
  }
  return select(vec4f(0.0), result, vec4u(lane * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.out_channels));
}
