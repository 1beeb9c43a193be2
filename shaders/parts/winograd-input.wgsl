// B^T d B of Winograd's F(4x4, 3x3), of vec4f or f32. F(2x2, 3x3) takes the same fields.
struct Fields {
  count: u32, // invocations
  in_size: vec2u, // H, W
  values: u32, // of a pixel
  tiles: vec2u, // down and across
  before: vec2i, // rows and columns of padding before x
  points: u32, // 36, of F(2x2) 16: not a constant, or drivers unroll the stores
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read_write> v: array<Value>;

override WG: u32 = 64;
const STRAIGHT: bool = true; // straight-line code: faster, but some drivers take seconds to compile it

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let c = index % params.values;
  let tile = index / params.values;
  let first = 4 * vec2i(vec2u(tile / params.tiles.y % params.tiles.x, tile % params.tiles.y)) - params.before;
  let image = tile / (params.tiles.x * params.tiles.y) * params.in_size.x * params.in_size.y;
  let last = vec2i(params.in_size) - 1;

  var row_at: array<u32, 6>;
  var row_inside: array<bool, 6>;
  // @unroll
  for (var i = 0u; i < 6u; i++) {
    let row = first.x + i32(i);
    row_inside[i] = row >= 0 && row <= last.x;
    row_at[i] = (image + u32(clamp(row, 0, last.x)) * params.in_size.y) * params.values + c;
  }
  var half: array<array<Value, 6>, 6>; // B^T d
  // @unroll if STRAIGHT
  for (var j = 0u; j < 6u; j++) {
    let column = first.y + i32(j);
    let inside = column >= 0 && column <= last.y;
    let at = u32(clamp(column, 0, last.y)) * params.values;
    let d0 = select(Value(0.0), x[row_at[0u] + at], inside && row_inside[0u]);
    let d1 = select(Value(0.0), x[row_at[1u] + at], inside && row_inside[1u]);
    let d2 = select(Value(0.0), x[row_at[2u] + at], inside && row_inside[2u]);
    let d3 = select(Value(0.0), x[row_at[3u] + at], inside && row_inside[3u]);
    let d4 = select(Value(0.0), x[row_at[4u] + at], inside && row_inside[4u]);
    let d5 = select(Value(0.0), x[row_at[5u] + at], inside && row_inside[5u]);
    half[0u][j] = 4.0 * d0 - 5.0 * d2 + d4;
    half[1u][j] = (d4 + d3) - 4.0 * (d2 + d1);
    half[2u][j] = (d4 - d3) - 4.0 * (d2 - d1);
    half[3u][j] = (d4 - d2) + 2.0 * (d3 - d1);
    half[4u][j] = (d4 - d2) - 2.0 * (d3 - d1);
    half[5u][j] = 4.0 * d1 - 5.0 * d3 + d5;
  }
  var results: array<Value, 36>;
  // @unroll if STRAIGHT
  for (var i = 0u; i < 6u; i++) {
    results[i * 6u] = 4.0 * half[i][0u] - 5.0 * half[i][2u] + half[i][4u];
    results[i * 6u + 1u] = (half[i][4u] + half[i][3u]) - 4.0 * (half[i][2u] + half[i][1u]);
    results[i * 6u + 2u] = (half[i][4u] - half[i][3u]) - 4.0 * (half[i][2u] - half[i][1u]);
    results[i * 6u + 3u] = (half[i][4u] - half[i][2u]) + 2.0 * (half[i][3u] - half[i][1u]);
    results[i * 6u + 4u] = (half[i][4u] - half[i][2u]) - 2.0 * (half[i][3u] - half[i][1u]);
    results[i * 6u + 5u] = 4.0 * half[i][1u] - 5.0 * half[i][3u] + half[i][5u];
  }
  for (var p = 0u; p < params.points; p++) {
    v[(tile * 36u + p) * params.values + c] = results[p];
  }
}
