// parts = the weight gradient over one strip of dy's pixels, an outer product in registers: ROWS output channels by COLUMNS vec4s, which are taps of
// one kernel row, or where kernels are one wide, channels. x: [N, P, Q, C], padded so that every load is inside; dy: [N, I, J, O]; parts: [strips,
// O, Kh, Kw, C/groups]; all in vec4s along the last axis. Grid: one invocation per tile and strip, strips outermost; then the bias's (parts/bias-parts.wgsl).
struct Params {
  count: u32, // invocations
  // @fields bias-parts
  blocks: u32, // of 4 pixels
  blocks_per_strip: u32,
  row_blocks: u32, // of a row of dy (WINDOW only)
  pixels: u32, // N I J
  dy_size: vec2u, // I, J
  dy_channels: u32,
  row_tiles: u32, // of ROWS output channels
  row_tiles_per_group: u32,
  kernel_h: u32,
  column_tiles: u32, // of COLUMNS
  columns: u32,
  depth: u32, // vec4s of channels walked by tiles: C/groups/4, or 1 where these are the columns
  x_group: u32, // vec4s from group to group
  x_pixel_step: u32, // vec4s of x from one pixel of dy to the next
  x_row_step: u32,
  x_image: u32,
  x_column_step: u32, // vec4s of x from one column to the next
  x_tap_row: u32, // vec4s of x from one kernel row to the next
  weight_row: u32, // vec4s of an output channel of the weight
  weight_tap_row: u32,
  weight_column: u32,
  weight_count: u32, // vec4s of the weight
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> dy: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> parts: array<vec4f>;

override WG: u32 = 64;
const ROW_VEC4S: u32 = 2u;
const ROWS: u32 = 8u; // 4 ROW_VEC4S
const COLUMNS: u32 = 3u;
const LOADS: u32 = 6u; // COLUMNS + 3
const WINDOW: bool = true; // 4 pixels of one row share LOADS vec4s of x: stride 1, dilation 1
const LANES: u32 = 4u; // 1 where x has one channel only

// @include bias-parts

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    sum_bias(index - params.count);
    return;
  }
  let row_tile = index % params.row_tiles;
  let deep = index / params.row_tiles;
  let c4 = deep % params.depth;
  let wide = deep / params.depth;
  let column = wide % params.column_tiles * COLUMNS;
  let high = wide / params.column_tiles;
  let u = high % params.kernel_h;
  let strip = high / params.kernel_h;
  let group = row_tile / params.row_tiles_per_group;
  let x_start = u * params.x_tap_row + group * params.x_group + c4 + column * params.x_column_step;

  var sums: array<array<vec4f, COLUMNS>, ROWS>;
  let first_piece = strip * params.blocks_per_strip;
  let end = min((strip + 1u) * params.blocks_per_strip, params.blocks);
  for (var piece = first_piece; piece < end; piece++) {
    var first = piece * 4u; // pixel
    var left = params.pixels - first;
    var x_at = x_start;
    if (WINDOW) {
      let row = piece / params.row_blocks;
      let j = piece % params.row_blocks * 4u;
      first = row * params.dy_size.y + j;
      left = params.dy_size.y - j;
      x_at += row / params.dy_size.x * params.x_image + row % params.dy_size.x * params.x_row_step + j * params.x_pixel_step;
    }
    var values: array<vec4f, LOADS>;
    if (WINDOW) {
      // @unroll
      for (var q = 0u; q < LOADS; q++) {
        values[q] = x[x_at + q * params.x_column_step];
      }
    }
    // @unroll
    for (var q = 0u; q < 4u; q++) {
      if (!WINDOW) {
        let pixel = min(first + q, params.pixels - 1u);
        let row = pixel / params.dy_size.y;
        let pixel_at = x_start + row / params.dy_size.x * params.x_image + row % params.dy_size.x * params.x_row_step
          + pixel % params.dy_size.y * params.x_pixel_step;
        // @unroll
        for (var v = 0u; v < COLUMNS; v++) {
          values[q + v] = x[pixel_at + v * params.x_column_step];
        }
      }
      // @unroll
      for (var t = 0u; t < ROW_VEC4S; t++) {
        let loaded = dy[(first + q) * params.dy_vec4s + row_tile * ROW_VEC4S + t];
        let d = select(vec4f(0.0), loaded, q < left);
        // @unroll
        for (var v = 0u; v < COLUMNS; v++) {
          if (LANES == 1u) {
            sums[t * 4u][v].x += d.x * values[q + v].x;
            sums[t * 4u + 1u][v].x += d.y * values[q + v].x;
            sums[t * 4u + 2u][v].x += d.z * values[q + v].x;
            sums[t * 4u + 3u][v].x += d.w * values[q + v].x;
          } else {
            sums[t * 4u][v] += d.x * values[q + v];
            sums[t * 4u + 1u][v] += d.y * values[q + v];
            sums[t * 4u + 2u][v] += d.z * values[q + v];
            sums[t * 4u + 3u][v] += d.w * values[q + v];
          }
        }
      }
    }
  }

  let at = strip * params.weight_count + u * params.weight_tap_row + c4 + column * params.weight_column;
  // @unroll
  for (var r = 0u; r < ROWS; r++) {
    let o = row_tile * ROWS + r;
    // @unroll
    for (var v = 0u; v < COLUMNS; v++) {
      if (o < params.dy_channels && column + v < params.columns) {
        parts[at + o * params.weight_row + v * params.weight_column] = sums[r][v];
      }
    }
  }
}
