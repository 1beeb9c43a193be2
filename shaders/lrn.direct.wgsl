// y = x base^-beta, base = bias + alpha / size * sum of squares across channels. x, y [N, H, W, C4]. Grid: one invocation per vec4.
struct Params {
  count: u32, // vec4s of x
  channels: u32,
  channels_padded: u32,
  before: u32, // channels of the window before its own, and after it
  after: u32,
  alpha_over_size: f32,
  beta: f32,
  bias: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;

// bias + alpha / size * sum of squares over the window of channel c; `pixel` is the element where the pixel's channels begin.
fn base(pixel: u32, c: u32) -> f32 {
  var squares = 0.0;
  let end = min(c + params.after + 1u, params.channels);
  for (var k = max(c, params.before) - params.before; k < end; k++) {
    let value = x[pixel + k];
    squares += value * value;
  }
  return params.bias + params.alpha_over_size * squares;
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let first = 4u * index % params.channels_padded;
  let pixel = 4u * index - first;
  var result = vec4f(0.0);
  for (var lane = 0u; lane < 4u; lane++) {
    let c = first + lane;
    if (c < params.channels) {
      result[lane] = x[pixel + c] * pow(base(pixel, c), -params.beta);
    }
  }
  y[index] = result;
}
