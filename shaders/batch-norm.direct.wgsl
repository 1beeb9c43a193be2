// y = (x - mean) scale / sqrt(variance + epsilon) + bias per channel. x, y: any layout; scale, bias, mean, variance [C]. Grid: one invocation per 4 elements.
struct Params {
  count: u32, // vec4s of x
  channels: u32,
  channels_padded: u32, // extent of the channel axis in memory
  channel_stride: u32, // elements
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> mean: array<f32>;
@group(0) @binding(5) var<storage, read> variance: array<f32>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let value = x[index];
  var result = vec4f(0.0);
  for (var lane = 0u; lane < 4u; lane++) {
    let c = (4u * index + lane) / params.channel_stride % params.channels_padded;
    if (c < params.channels) {
      result[lane] = (value[lane] - mean[c]) * (scale[c] * inverseSqrt(variance[c] + params.epsilon)) + bias[c];
    }
  }
  y[index] = result;
}
