// total += x in place, 64 bits wide. x: i32, none below 0; total: u32 pairs, the low word first. Grid: one invocation per element.
struct Params {
  count: u32, // elements of x
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<i32>;
@group(0) @binding(2) var<storage, read_write> total: array<vec2u>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  let term = u32(x[i]);
  let low = total[i].x + term;
  total[i] = vec2u(low, total[i].y + select(0u, 1u, low < term));
}
