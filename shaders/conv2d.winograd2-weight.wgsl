// u = G g G^T for each 3x3 kernel g, of Winograd's F(2x2, 3x3) (Lavin and Gray, 2016); in a transpose the taps of g are in reverse order.
// weight: [O, 3, 3, C]; u: [16, O, C], the 16 points row by row; both in vec4s along C. Grid: one invocation per output channel and vec4.
struct Params {
  // @fields winograd-weight
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> u: array<vec4f>;

override WG: u32 = 64;
const STRAIGHT: bool = true; // straight-line code: faster, but some drivers take seconds to compile it

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let at = index / params.values * 9u * params.values + index % params.values;
  let flipped = params.transposed == 1u; // tap 8 - t in place of t
  var half: array<array<vec4f, 3>, 4>; // G g
  // @unroll if STRAIGHT
  for (var j = 0u; j < 3u; j++) {
    let g0 = weight[at + select(j, 8u - j, flipped) * params.values];
    let g1 = weight[at + select(3u + j, 5u - j, flipped) * params.values];
    let g2 = weight[at + select(6u + j, 2u - j, flipped) * params.values];
    half[0u][j] = g0;
    half[1u][j] = 0.5 * (g0 + g1 + g2);
    half[2u][j] = 0.5 * (g0 - g1 + g2);
    half[3u][j] = g2;
  }
  var results: array<vec4f, 16>;
  // @unroll if STRAIGHT
  for (var i = 0u; i < 4u; i++) {
    results[i * 4u] = half[i][0u];
    results[i * 4u + 1u] = 0.5 * (half[i][0u] + half[i][1u] + half[i][2u]);
    results[i * 4u + 2u] = 0.5 * (half[i][0u] - half[i][1u] + half[i][2u]);
    results[i * 4u + 3u] = half[i][2u];
  }
  for (var p = 0u; p < params.points; p++) {
    u[p * params.count + index] = results[p];
  }
}
