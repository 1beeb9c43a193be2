// dx = dy base^-beta - 2 alpha beta / size * x * (sum of terms over the mirrored window). dy, x, terms, dx [N, H, W, C4]. Grid: one invocation per vec4.
struct Params {
  // @fields lrn-base
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read> terms: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

// @include lrn-base

// Sum of terms over the channels whose window holds c: `after` and `before` change places.
fn arriving(pixel: u32, c: u32) -> f32 {
  var total = 0.0;
  let end = min(c + params.before + 1u, params.channels);
  for (var k = max(c, params.after) - params.after; k < end; k++) {
    total += terms[pixel + k];
  }
  return total;
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
      let factor = 2.0 * params.alpha_over_size * params.beta * x[pixel + c];
      result[lane] = dy[pixel + c] * pow(base(pixel, c), -params.beta) - factor * arriving(pixel, c);
    }
  }
  dx[index] = result;
}
