// y = the sum of strips of partial sums of a convolution, in fixed order, + bias: the second pass of conv2d.gemm.
// parts: [strips, N, I, J, O]; y: [N, I, J, O]; both in vec4s along O. Grid: one invocation per vec4 of y.
struct Params {
  count: u32, // vec4s of y
  strips: u32,
  out_channels: u32,
  out_vec4s: u32, // of a pixel
  has_bias: u32,
  relu: u32,
  extra: u32, // 0: none, 1: added, 2: y where extra > 0, else 0
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> extra: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;

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
  if (params.has_bias == 1u) {
    result += bias[o4];
  }
  if (params.extra == 1u) {
    result += extra[at];
  }
  if (params.relu == 1u) {
    result = max(result, vec4f(0.0));
  }
  if (params.extra == 2u) {
    result = select(vec4f(0.0), result, extra[at] > vec4f(0.0));
  }
  y[at] = select(vec4f(0.0), result, vec4u(o4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.out_channels));
}
