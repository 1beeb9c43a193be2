// v = B^T d B for each tile d of 4x4 pixels of x, of Winograd's F(2x2, 3x3) (Lavin and Gray, 2016): tiles overlap by two pixels, pixels outside x
// are 0. x: [N, H, W, C]; v: [N tiles, 16, C], the 16 points row by row; both in vec4s along C. Grid: one invocation per tile and vec4, vec4s innermost.
struct Params {
  // @fields winograd-input
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4f>;

override WG: u32 = 64;
const STRAIGHT: bool = true; // straight-line code: faster, but some drivers take seconds to compile it

// Of the image whose first row is `image_row` of all.
fn load_x(image_row: u32, at: vec2i, c4: u32) -> vec4f {
  let used = clamp(at, vec2i(0), vec2i(params.in_size) - 1);
  let value = x[((image_row + u32(used.x)) * params.in_size.y + u32(used.y)) * params.values + c4];
  return select(vec4f(0.0), value, all(at == used));
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let c4 = index % params.values;
  let tile = index / params.values;
  let first = 2 * vec2i(vec2u(tile / params.tiles.y % params.tiles.x, tile % params.tiles.y)) - params.before;
  let image_row = tile / (params.tiles.x * params.tiles.y) * params.in_size.x;

  var half: array<array<vec4f, 4>, 4>; // B^T d
  // @unroll if STRAIGHT
  for (var j = 0u; j < 4u; j++) {
    let d0 = load_x(image_row, first + vec2i(0, i32(j)), c4);
    let d1 = load_x(image_row, first + vec2i(1, i32(j)), c4);
    let d2 = load_x(image_row, first + vec2i(2, i32(j)), c4);
    let d3 = load_x(image_row, first + vec2i(3, i32(j)), c4);
    half[0u][j] = d0 - d2;
    half[1u][j] = d1 + d2;
    half[2u][j] = d2 - d1;
    half[3u][j] = d1 - d3;
  }
  var results: array<vec4f, 16>;
  // @unroll if STRAIGHT
  for (var i = 0u; i < 4u; i++) {
    results[i * 4u] = half[i][0u] - half[i][2u];
    results[i * 4u + 1u] = half[i][1u] + half[i][2u];
    results[i * 4u + 2u] = half[i][2u] - half[i][1u];
    results[i * 4u + 3u] = half[i][1u] - half[i][3u];
  }
  for (var p = 0u; p < params.points; p++) {
    v[(tile * 16u + p) * params.values + c4] = results[p];
  }
}
