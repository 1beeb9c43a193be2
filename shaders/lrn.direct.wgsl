// y = x base^-beta, base = bias + alpha / size * sum of squares across channels. x, y [N, H, W, C4]. Grid: one invocation per vec4.
struct Params {
  // @fields lrn-base
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;

// @include lrn-base

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
