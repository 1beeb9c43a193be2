// y = A^T m A + bias for each tile m of 4x4 points, of Winograd's F(2x2, 3x3) (Lavin and Gray, 2016): 2x2 pixels of y a tile.
// m: [N tiles, 16, O], the points row by row; y: [N, I, J, O]; both in vec4s along O. Grid: one invocation per tile and vec4, vec4s innermost.
struct Params {
  // @fields conv-epilogue
  // @fields winograd-output
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> m: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> extra: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;
const STRAIGHT: bool = true; // straight-line code: faster, but some drivers take seconds to compile it

// @include conv-epilogue

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let o4 = index % params.values;
  let tile = index / params.values;
  let first = 2u * vec2u(tile / params.tiles.y % params.tiles.x, tile % params.tiles.y);
  let image = tile / (params.tiles.x * params.tiles.y);

  let at = tile * 16u * params.values + o4;
  var half: array<array<vec4f, 4>, 2>; // A^T m
  // @unroll if STRAIGHT
  for (var j = 0u; j < 4u; j++) {
    let m0 = m[at + j * params.values];
    let m1 = m[at + (j + 4u) * params.values];
    let m2 = m[at + (j + 8u) * params.values];
    let m3 = m[at + (j + 12u) * params.values];
    half[0u][j] = m0 + (m1 + m2);
    half[1u][j] = (m1 - m2) - m3;
  }
  var results: array<vec4f, 4>;
  // @unroll if STRAIGHT
  for (var i = 0u; i < 2u; i++) {
    results[i * 2u] = half[i][0u] + (half[i][1u] + half[i][2u]);
    results[i * 2u + 1u] = (half[i][1u] - half[i][2u]) - half[i][3u];
  }
  let added = bias_of(o4);
  for (var p = 0u; p < params.pixels; p++) {
    let pixel = first + vec2u(p / 2u, p % 2u);
    if (pixel.x < params.out_size.x && pixel.y < params.out_size.y) {
      let to = ((image * params.out_size.x + pixel.x) * params.out_size.y + pixel.y) * params.values + o4;
      y[to] = finish(results[p] + added, to, o4);
    }
  }
}
