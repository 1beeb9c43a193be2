// padded = x with rows and columns of zeros added or left out at each side. x: [N, H, W, C], padded: [N, P, Q, C], in vec4s along C. Grid: one
// invocation per vec4 of padded.
struct Params {
  count: u32, // vec4s of padded
  vec4s: u32, // of a pixel
  in_size: vec2u, // H, W
  out_size: vec2u, // P, Q
  before: vec2i, // rows above and columns to the left, negative where some of x are left out
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> padded: array<vec4f>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let pixel = index / params.vec4s;
  let w = i32(pixel % params.out_size.y) - params.before.y;
  let h = i32(pixel / params.out_size.y % params.out_size.x) - params.before.x;
  let n = pixel / (params.out_size.x * params.out_size.y);
  var value = vec4f(0.0);
  if (h >= 0 && h < i32(params.in_size.x) && w >= 0 && w < i32(params.in_size.y)) {
    value = x[((n * params.in_size.x + u32(h)) * params.in_size.y + u32(w)) * params.vec4s + index % params.vec4s];
  }
  padded[index] = value;
}
