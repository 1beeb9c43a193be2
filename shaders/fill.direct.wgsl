// y = value everywhere, 0 in padding lanes. y: any layout with an innermost axis of `inner` positions. Grid: one invocation per element in memory.
struct Params {
  count: u32, // elements in memory
  inner: u32, // extent of the innermost axis, padding included
  lanes: u32, // positions of it that hold values
  value: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  y[i] = select(0.0, params.value, i % params.inner < params.lanes);
}
