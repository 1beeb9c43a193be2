// parts = the weight gradient over one strip of dy's pixels, as a matrix product (output channels by taps and input channels, over pixels) through
// workgroup memory: ROWS output channels by COLUMNS of the weight a workgroup, 8 by 8 an invocation, 8 pixels a step; pixels outside x are 0.
// x: [N, H, W, C]; dy: [N, I, J, O]; parts: [strips, O, Kh, Kw, C/groups]; all in vec4s along the last axis.
// Grid: x: tiles of columns, y: tiles of output channels of all groups, z: strips, then the bias's (parts/bias-parts.wgsl).
struct Params {
  // @fields gather-x
  dy_size: vec2u, // I, J
  pixels: u32, // N I J
  pixels_per_strip: u32,
  // @fields bias-parts
  dy_vec4s_per_group: u32,
  row_tiles: u32, // of a group
  depth: u32, // C/groups/4
  columns: u32, // vec4s: Kh Kw C/groups/4
  kernel_w: u32,
  stride: vec2u,
  pad: vec2u,
  dilation: vec2u,
  weight_count: u32, // vec4s of the weight
  dy_channels: u32, // of a group
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> parts: array<vec4f>;

const WG: u32 = 256u; // ROWS / 8 * COLUMNS / 8
const ROWS: u32 = 128u;
const COLUMNS: u32 = 128u;
const DY_LOADS: u32 = 1u; // of an invocation a step: 2 ROWS / WG
const X_LOADS: u32 = 1u; // 2 COLUMNS / WG

var<workgroup> dy_tile: array<vec4f, 2u * ROWS>; // 8 pixels, output channels along the rows
var<workgroup> x_tile: array<vec4f, 2u * COLUMNS>; // 8 pixels, columns along the rows

// @include gather-x
// @include bias-parts

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group_id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32,
) {
  if (group_id.z >= params.strips) {
    sum_bias((((group_id.z - params.strips) * groups.y + group_id.y) * groups.x + group_id.x) * WG + local);
    return;
  }
  let group = group_id.y / params.row_tiles;
  let first_o4 = group_id.y % params.row_tiles * (ROWS / 4u); // within the group
  let first_column = group_id.x * (COLUMNS / 4u);
  let first_pixel = group_id.z * params.pixels_per_strip;
  let end_pixel = min(first_pixel + params.pixels_per_strip, params.pixels);

  // The column of the weight that this invocation loads, and the pixel of each 8: where it lies in its image.
  var column_at: array<u32, X_LOADS>; // vec4 of a pixel of x
  var column_shift: array<vec2i, X_LOADS>;
  var row: array<u32, X_LOADS>; // of dy, through the batch
  var j: array<u32, X_LOADS>;
  // @unroll
  for (var l = 0u; l < X_LOADS; l++) {
    let item = local + l * WG;
    let column = min(first_column + item % (COLUMNS / 4u), params.columns - 1u);
    let tap = column / params.depth;
    column_at[l] = group * params.depth + column % params.depth;
    column_shift[l] = vec2i(vec2u(tap / params.kernel_w, tap % params.kernel_w) * params.dilation) - vec2i(params.pad);
    let pixel = first_pixel + item / (COLUMNS / 4u);
    row[l] = pixel / params.dy_size.y;
    j[l] = pixel % params.dy_size.y;
  }
  let tn = local % (COLUMNS / 8u);
  let tm = local / (COLUMNS / 8u);
  var sums: array<array<vec4f, 2>, 8>;
  var dy_next: array<vec4f, DY_LOADS>;
  var x_next: array<vec4f, X_LOADS>;
  var first = first_pixel;
  var started = false;
  loop {
    // A step's numbers are on their way while those of the step before are multiplied.
    let loading = first < end_pixel;
    if (loading) {
      // @unroll
      for (var l = 0u; l < DY_LOADS; l++) {
        let item = local + l * WG;
        let pixel = first + item / (ROWS / 4u);
        let o4 = first_o4 + item % (ROWS / 4u);
        let inside = pixel < end_pixel && o4 < params.dy_vec4s_per_group;
        let at = pixel * params.dy_vec4s + group * params.dy_vec4s_per_group + o4;
        dy_next[l] = select(vec4f(0.0), dy[select(0u, at, inside)], inside);
      }
      // @unroll
      for (var l = 0u; l < X_LOADS; l++) {
        let pixel = first + (local + l * WG) / (COLUMNS / 4u);
        let at = vec2i(vec2u(row[l] % params.dy_size.x, j[l]) * params.stride) + column_shift[l];
        x_next[l] = gather_x(row[l] / params.dy_size.x * params.in_size.x, at, column_at[l], pixel < end_pixel);
        j[l] += 8u;
        while (j[l] >= params.dy_size.y) {
          j[l] -= params.dy_size.y;
          row[l]++;
        }
      }
      first += 8u;
    }
    if (started) {
      // @unroll
      for (var k = 0u; k < 8u; k++) {
        let a0 = dy_tile[k * (ROWS / 4u) + tm];
        let a1 = dy_tile[k * (ROWS / 4u) + ROWS / 8u + tm];
        let b0 = x_tile[k * (COLUMNS / 4u) + tn];
        let b1 = x_tile[k * (COLUMNS / 4u) + COLUMNS / 8u + tn];
        // @include outer-product
      }
    }
    if (!loading) {
      break;
    }
    started = true;
    workgroupBarrier();
    // @unroll
    for (var l = 0u; l < DY_LOADS; l++) {
      dy_tile[local + l * WG] = dy_next[l];
    }
    // @unroll
    for (var l = 0u; l < X_LOADS; l++) {
      x_tile[local + l * WG] = x_next[l];
    }
    workgroupBarrier();
  }

  // @unroll
  for (var q = 0u; q < 8u; q++) {
    let o = first_o4 * 4u + q / 4u * (ROWS / 2u) + tm * 4u + q % 4u; // within the group
    // @unroll
    for (var t = 0u; t < 2u; t++) {
      let column = first_column + t * (COLUMNS / 8u) + tn;
      if (o < params.dy_channels && column < params.columns) {
        parts[group_id.z * params.weight_count + (group * params.dy_channels + o) * params.columns + column] = sums[q][t];
      }
    }
  }
}
