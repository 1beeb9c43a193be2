// parts = the weight gradient over one strip of dy's rows: an outer product in registers, one vec4 of the weight's columns (tap and channels) by
// 4 VEC4S output channels per invocation. Each vec4 of dy is loaded by one lane of a subgroup and spread to the others, for all invocations of a
// workgroup share their output channels and pixels. x: [N, P, Q, C], padded so that every load is inside; dy: [N, I, J, O]; parts: [strips, O, Kh,
// Kw, C/groups]; all in vec4s along the last axis. Grid: x: WG columns, y: tiles of output channels, z: strips, then the bias's
// (parts/bias-parts.wgsl).
enable subgroups;

struct Params {
  rows: u32, // N I
  rows_per_strip: u32,
  dy_size: vec2u, // I, J
  // @fields bias-parts
  dy_vec4s_per_group: u32,
  tiles_per_group: u32, // of VEC4S
  dy_per_group: u32, // channels
  kernel_w: u32,
  columns: u32, // Kh Kw C/groups/4
  depth: u32, // C/groups/4
  x_pixel_step: u32, // vec4s of x from one pixel of dy to the next
  x_row_step: u32,
  x_image: u32,
  x_tap: vec2u, // vec4s of x from one tap to the next, down and across
  weight_count: u32, // vec4s of the weight
  results: u32, // 4 VEC4S: not a constant, or drivers unroll the stores
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> parts: array<vec4f>;

override WG: u32 = 8;
const VEC4S: u32 = 8u;
const RESULTS: u32 = 32u; // 4 VEC4S
const SUBGROUP: u32 = 8u; // lanes
const LOADS: u32 = 1u; // of dy by a lane: VEC4S / SUBGROUP, rounded up

// @include bias-parts

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group_id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  if (group_id.z >= params.strips) {
    sum_bias((((group_id.z - params.strips) * groups.y + group_id.y) * groups.x + group_id.x) * WG + local);
    return;
  }
  let column = group_id.x * WG + local;
  let group = group_id.y / params.tiles_per_group;
  let group_o4 = group_id.y % params.tiles_per_group * VEC4S; // within the group
  let used = min(column, params.columns - 1u);
  let tap = used / params.depth;
  let x_column = tap / params.kernel_w * params.x_tap.x + tap % params.kernel_w * params.x_tap.y + group * params.depth + used % params.depth;

  var dy_lane: array<u32, LOADS>;
  // @unroll
  for (var k = 0u; k < LOADS; k++) {
    dy_lane[k] = group * params.dy_vec4s_per_group + min(group_o4 + k * SUBGROUP + lane, params.dy_vec4s_per_group - 1u);
  }
  var sums: array<array<vec4f, 4>, VEC4S>;
  let end = min((group_id.z + 1u) * params.rows_per_strip, params.rows);
  for (var row = group_id.z * params.rows_per_strip; row < end; row++) {
    var x_at = x_column + row / params.dy_size.x * params.x_image + row % params.dy_size.x * params.x_row_step;
    var dy_at = row * params.dy_size.y * params.dy_vec4s;
    for (var j = 0u; j < params.dy_size.y; j++) {
      let value = x[x_at];
      var loaded: array<vec4f, LOADS>;
      // @unroll
      for (var k = 0u; k < LOADS; k++) {
        loaded[k] = dy[dy_at + dy_lane[k]];
      }
      // @unroll
      for (var t = 0u; t < VEC4S; t++) {
        let d = subgroupBroadcast(loaded[t / SUBGROUP], t % SUBGROUP);
        sums[t][0u] += d.x * value;
        sums[t][1u] += d.y * value;
        sums[t][2u] += d.z * value;
        sums[t][3u] += d.w * value;
      }
      x_at += params.x_pixel_step;
      dy_at += params.dy_vec4s;
    }
  }

  // Out in a loop: software drivers compile each store as a site of its own, for up to a second.
  var results: array<vec4f, RESULTS>;
  // @unroll
  for (var t = 0u; t < VEC4S; t++) {
    // @unroll
    for (var r = 0u; r < 4u; r++) {
      results[t * 4u + r] = sums[t][r];
    }
  }
  let at = group_id.z * params.weight_count + column;
  for (var r = 0u; r < params.results; r++) {
    let o = group_o4 * 4u + r; // within the group
    if (o < params.dy_per_group && column < params.columns) {
      parts[at + (group * params.dy_per_group + o) * params.columns] = results[r];
    }
  }
}
