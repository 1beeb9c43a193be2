// u[tap, c] = the weight from channel c to itself. weight: [C, Kh, Kw, 1 or C], the last axis padded to 4; u: [Kh, Kw, C] in vec4s along C. Grid:
// one invocation per vec4 of u.
struct Params {
  count: u32, // vec4s of u
  vec4s: u32, // C/4
  channels: u32,
  row: u32, // elements of the weight from a channel to the next
  pitch: u32, // and from a tap to the next
  own: u32, // and from one channel's lane to the next one's: 0 where each has one
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> u: array<vec4f>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let tap = index / params.vec4s;
  var result = vec4f(0.0);
  for (var lane = 0u; lane < 4u; lane++) {
    let c = index % params.vec4s * 4u + lane;
    if (c < params.channels) {
      result[lane] = weight[c * params.row + tap * params.pitch + c * params.own];
    }
  }
  u[index] = result;
}
