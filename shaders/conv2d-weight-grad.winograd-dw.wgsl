// dw = G^T m G, of the adjoint of Winograd's F(4x4, 3x3) (Lavin and Gray, 2016). m: [36, O, C], the 36 points row by row; dw: [O, 3, 3, C]; both in
// vec4s along C. Grid: one invocation per output channel and vec4.
struct Params {
  count: u32, // O C/4
  vec4s: u32, // C/4
  taps: u32, // 9: not a constant, or drivers unroll the stores
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> m: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4f>;

override WG: u32 = 64;
const STRAIGHT: bool = true; // straight-line code: faster, but some drivers take seconds to compile it

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  var half: array<array<vec4f, 6>, 3>; // G^T m
  // @unroll if STRAIGHT
  for (var j = 0u; j < 6u; j++) {
    let m0 = m[j * params.count + index];
    let m1 = m[(j + 6u) * params.count + index];
    let m2 = m[(j + 12u) * params.count + index];
    let m3 = m[(j + 18u) * params.count + index];
    let m4 = m[(j + 24u) * params.count + index];
    let m5 = m[(j + 30u) * params.count + index];
    half[0u][j] = 0.25 * m0 - (m1 + m2) * (1.0 / 6.0) + (m3 + m4) * (1.0 / 24.0);
    half[1u][j] = (m2 - m1) * (1.0 / 6.0) + (m3 - m4) * (1.0 / 12.0);
    half[2u][j] = ((m3 + m4) - (m1 + m2)) * (1.0 / 6.0) + m5;
  }
  var results: array<vec4f, 9>;
  // @unroll if STRAIGHT
  for (var i = 0u; i < 3u; i++) {
    let plus = half[i][1u] + half[i][2u];
    let minus = half[i][2u] - half[i][1u];
    let wide = half[i][3u] + half[i][4u];
    results[i * 3u] = 0.25 * half[i][0u] - plus * (1.0 / 6.0) + wide * (1.0 / 24.0);
    results[i * 3u + 1u] = minus * (1.0 / 6.0) + (half[i][3u] - half[i][4u]) * (1.0 / 12.0);
    results[i * 3u + 2u] = (wide - plus) * (1.0 / 6.0) + half[i][5u];
  }
  let at = index / params.vec4s * 9u * params.vec4s + index % params.vec4s;
  for (var t = 0u; t < params.taps; t++) {
    dw[at + t * params.vec4s] = results[t];
  }
}
