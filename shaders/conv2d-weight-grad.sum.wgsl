// dw = sum over strips of parts, in fixed order. parts: [strips, count], dw: [count], both in vec4s. Grid: one invocation per vec4 of dw.
struct Params {
  count: u32, // vec4s of dw
  strips: u32, // at most 256
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4f>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  var total = vec4f(0.0);
  for (var strip = 0u; strip < params.strips; strip++) {
    total += parts[strip * params.count + index];
  }
  dw[index] = total;
}
