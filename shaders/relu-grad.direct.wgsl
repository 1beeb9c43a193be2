// dx = dy where x > 0, else 0. dy, x, dx: vec4s of one layout, padding lanes included. Grid: one invocation per vec4.
struct Params {
  count: u32, // vec4s
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  dx[i] = select(vec4f(0.0), dy[i], x[i] > vec4f(0.0));
}
