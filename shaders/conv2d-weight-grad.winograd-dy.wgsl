// z = A dy A^T for each tile of 4x4 pixels of dy, of the adjoint of Winograd's F(4x4, 3x3) (Lavin and Gray, 2016); pixels outside dy are 0.
// dy: [N, I, J, O]; z: [N tiles, 36, O], the 36 points row by row; both in vec4s along O. Grid: one invocation per tile and vec4, vec4s innermost.
struct Params {
  count: u32, // invocations
  dy_size: vec2u, // I, J
  vec4s: u32, // of a pixel
  tiles: vec2u, // down and across
  points: u32, // 36: not a constant, or drivers unroll the stores
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> z: array<vec4f>;

override WG: u32 = 64;
const STRAIGHT: bool = true; // straight-line code: faster, but some drivers take seconds to compile it

// Of the image whose first row is `image_row` of all.
fn load_dy(image_row: u32, at: vec2u, o4: u32) -> vec4f {
  let used = min(at, params.dy_size - 1u);
  let value = dy[((image_row + used.x) * params.dy_size.y + used.y) * params.vec4s + o4];
  return select(vec4f(0.0), value, all(at == used));
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let o4 = index % params.vec4s;
  let tile = index / params.vec4s;
  let first = 4u * vec2u(tile / params.tiles.y % params.tiles.x, tile % params.tiles.y);
  let image_row = tile / (params.tiles.x * params.tiles.y) * params.dy_size.x;

  var half: array<array<vec4f, 4>, 6>; // A dy
  // @unroll if STRAIGHT
  for (var j = 0u; j < 4u; j++) {
    let d0 = load_dy(image_row, first + vec2u(0u, j), o4);
    let d1 = load_dy(image_row, first + vec2u(1u, j), o4);
    let d2 = load_dy(image_row, first + vec2u(2u, j), o4);
    let d3 = load_dy(image_row, first + vec2u(3u, j), o4);
    half[0u][j] = d0;
    half[1u][j] = (d0 + d2) + (d1 + d3);
    half[2u][j] = (d0 + d2) - (d1 + d3);
    half[3u][j] = (d0 + 4.0 * d2) + 2.0 * (d1 + 4.0 * d3);
    half[4u][j] = (d0 + 4.0 * d2) - 2.0 * (d1 + 4.0 * d3);
    half[5u][j] = d3;
  }
  var results: array<vec4f, 36>;
  // @unroll if STRAIGHT
  for (var i = 0u; i < 6u; i++) {
    let d0 = half[i][0u];
    let d1 = half[i][1u];
    let d2 = half[i][2u];
    let d3 = half[i][3u];
    results[i * 6u] = d0;
    results[i * 6u + 1u] = (d0 + d2) + (d1 + d3);
    results[i * 6u + 2u] = (d0 + d2) - (d1 + d3);
    results[i * 6u + 3u] = (d0 + 4.0 * d2) + 2.0 * (d1 + 4.0 * d3);
    results[i * 6u + 4u] = (d0 + 4.0 * d2) - 2.0 * (d1 + 4.0 * d3);
    results[i * 6u + 5u] = d3;
  }
  for (var p = 0u; p < params.points; p++) {
    z[(tile * 36u + p) * params.vec4s + o4] = results[p];
  }
}
