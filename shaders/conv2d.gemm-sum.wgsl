// y = the sum of strips of partial sums of a convolution, in fixed order, + bias: the second pass of conv2d.gemm.
// parts: [strips, N, I, J, O]; y: [N, I, J, O]; both in vec4s along O. Grid: one invocation per vec4 of y.
struct Params {
  count: u32, // vec4s of y
  strips: u32,
  out_vec4s: u32, // of a pixel
  // @fields conv-epilogue
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> extra: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;

// @include conv-epilogue

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.y * (groups.x * WG) + id.x;
  if (at >= params.count) {
    return;
  }
  var result = vec4f(0.0);
  for (var strip = 0u; strip < params.strips; strip++) {
    result += parts[strip * params.count + at];
  }
  let o4 = at % params.out_vec4s;
  y[at] = finish(result + bias_of(o4), at, o4);
}
