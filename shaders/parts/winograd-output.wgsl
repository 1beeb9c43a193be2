// A^T m A of Winograd's F(4x4, 3x3), of vec4f or f32, for an epilogue of either. F(2x2, 3x3) takes the same fields.
struct Fields {
  count: u32, // invocations
  out_size: vec2u, // I, J
  values: u32, // of a pixel
  tiles: vec2u, // down and across
  pixels: u32, // 16, of F(2x2) 4: not a constant, or drivers unroll the stores
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> m: array<Value>;
@group(0) @binding(2) var<storage, read> bias: array<Value>;
@group(0) @binding(3) var<storage, read> extra: array<Value>;
@group(0) @binding(4) var<storage, read_write> y: array<Value>;

override WG: u32 = 64;
const STRAIGHT: bool = true; // straight-line code: faster, but some drivers take seconds to compile it

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let o = index % params.values;
  let tile = index / params.values;
  let first = 4u * vec2u(tile / params.tiles.y % params.tiles.x, tile % params.tiles.y);
  let image = tile / (params.tiles.x * params.tiles.y);

  let at = tile * 36u * params.values + o;
  var half: array<array<Value, 6>, 4>; // A^T m
  // @unroll if STRAIGHT
  for (var j = 0u; j < 6u; j++) {
    let m0 = m[at + j * params.values];
    let m1 = m[at + (j + 6u) * params.values];
    let m2 = m[at + (j + 12u) * params.values];
    let m3 = m[at + (j + 18u) * params.values];
    let m4 = m[at + (j + 24u) * params.values];
    let m5 = m[at + (j + 30u) * params.values];
    half[0u][j] = m0 + (m1 + m2) + (m3 + m4);
    half[1u][j] = (m1 - m2) + 2.0 * (m3 - m4);
    half[2u][j] = (m1 + m2) + 4.0 * (m3 + m4);
    half[3u][j] = (m1 - m2) + 8.0 * (m3 - m4) + m5;
  }
  var results: array<Value, 16>;
  // @unroll if STRAIGHT
  for (var i = 0u; i < 4u; i++) {
    results[i * 4u] = half[i][0u] + (half[i][1u] + half[i][2u]) + (half[i][3u] + half[i][4u]);
    results[i * 4u + 1u] = (half[i][1u] - half[i][2u]) + 2.0 * (half[i][3u] - half[i][4u]);
    results[i * 4u + 2u] = (half[i][1u] + half[i][2u]) + 4.0 * (half[i][3u] + half[i][4u]);
    results[i * 4u + 3u] = (half[i][1u] - half[i][2u]) + 8.0 * (half[i][3u] - half[i][4u]) + half[i][5u];
  }
  let added = bias_of(o);
  for (var p = 0u; p < params.pixels; p++) {
    let pixel = first + vec2u(p / 4u, p % 4u);
    if (pixel.x < params.out_size.x && pixel.y < params.out_size.y) {
      let to = ((image * params.out_size.x + pixel.x) * params.out_size.y + pixel.y) * params.values + o;
      y[to] = finish(results[p] + added, to, o);
    }
  }
}
