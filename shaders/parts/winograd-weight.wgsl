// G g G^T of Winograd's F(4x4, 3x3), of vec4f or f32. F(2x2, 3x3) takes the same fields.
struct Fields {
  count: u32, // O times values
  values: u32, // of a tap
  transposed: u32,
  points: u32, // 36, of F(2x2) 16: not a constant, or drivers unroll the stores
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<Value>;
@group(0) @binding(2) var<storage, read_write> u: array<Value>;

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
  var half: array<array<Value, 3>, 6>; // G g
  // @unroll if STRAIGHT
  for (var j = 0u; j < 3u; j++) {
    let g0 = weight[at + select(j, 8u - j, flipped) * params.values];
    let g1 = weight[at + select(3u + j, 5u - j, flipped) * params.values];
    let g2 = weight[at + select(6u + j, 2u - j, flipped) * params.values];
    half[0u][j] = 0.25 * g0;
    half[1u][j] = (g0 + g1 + g2) * (-1.0 / 6.0);
    half[2u][j] = (g0 - g1 + g2) * (-1.0 / 6.0);
    half[3u][j] = g0 * (1.0 / 24.0) + g1 * (1.0 / 12.0) + g2 * (1.0 / 6.0);
    half[4u][j] = g0 * (1.0 / 24.0) - g1 * (1.0 / 12.0) + g2 * (1.0 / 6.0);
    half[5u][j] = g2;
  }
  var results: array<Value, 36>;
  // @unroll if STRAIGHT
  for (var i = 0u; i < 6u; i++) {
    let g0 = half[i][0u];
    let g1 = half[i][1u];
    let g2 = half[i][2u];
    results[i * 6u] = 0.25 * g0;
    results[i * 6u + 1u] = (g0 + g1 + g2) * (-1.0 / 6.0);
    results[i * 6u + 2u] = (g0 - g1 + g2) * (-1.0 / 6.0);
    results[i * 6u + 3u] = g0 * (1.0 / 24.0) + g1 * (1.0 / 12.0) + g2 * (1.0 / 6.0);
    results[i * 6u + 4u] = g0 * (1.0 / 24.0) - g1 * (1.0 / 12.0) + g2 * (1.0 / 6.0);
    results[i * 6u + 5u] = g2;
  }
  for (var p = 0u; p < params.points; p++) {
    u[p * params.count + index] = results[p];
  }
}
