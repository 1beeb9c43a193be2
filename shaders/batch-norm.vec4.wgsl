// y = (x - mean) scale / sqrt(variance + epsilon) + bias per channel. x, y [N, H, W, C4]; scale, bias, mean, variance [C]. Grid: one invocation per vec4.
struct Params {
  count: u32, // vec4s of x
  channels: u32,
  channel_vec4s: u32, // vec4s per pixel
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> scale: array<vec4f>;
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
@group(0) @binding(4) var<storage, read> mean: array<vec4f>;
@group(0) @binding(5) var<storage, read> variance: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;

// @include lanes

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let c4 = index % params.channel_vec4s;
  let result = (x[index] - mean[c4]) * (scale[c4] * inverseSqrt(variance[c4] + vec4f(params.epsilon))) + bias[c4];
  y[index] = select(vec4f(0.0), result, held_lanes(c4));
}
