// Each pixel's loss and its gradient in one reading of the logits: losses = weight (log sum exp(logits) - logits[label]) and dlogits = (softmax(logits) - onehot(label)) weight dlosses; 0 at ignored labels and in padding lanes. logits, dlogits: [N, H, W, C4], few classes; dlosses, labels, losses: [N, H, W]; weights: [C] or absent. Grid: one invocation per pixel.
struct Params {
  pixels: u32,
  classes: u32,
  // @fields label-weight
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dlosses: array<f32>;
@group(0) @binding(2) var<storage, read> logits: array<vec4f>;
@group(0) @binding(3) var<storage, read> labels: array<i32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;
@group(0) @binding(6) var<storage, read_write> dlogits: array<vec4f>;

override WG: u32 = 64;
override FLOOR_PROBABILITY: bool = false;
// @include label-weight
// @include lowest
const VEC4S: u32 = 6u; // of a pixel's logits
// -log(FLT_MIN): Caffe's probabilities are at least FLT_MIN.
const LARGEST_LOSS: f32 = 87.33654475;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let pixel = id.y * (groups.x * WG) + id.x;
  if (pixel >= params.pixels) {
    return;
  }
  let label = labels[pixel];
  let weight = weight_of(label);
  let lanes = vec4i(0, 1, 2, 3);
  var values: array<vec4f, VEC4S>;
  var largest = vec4f(LOWEST);
  var own = 0.0; // the label's logit
  // @unroll
  for (var k = 0u; k < VEC4S; k++) {
    let channels = vec4i(4 * i32(k)) + lanes;
    values[k] = select(vec4f(LOWEST), logits[pixel * VEC4S + k], channels < vec4i(i32(params.classes)));
    largest = max(largest, values[k]);
    own += dot(select(vec4f(0.0), values[k], channels == vec4i(label)), vec4f(1.0));
  }
  let maximum = max(max(largest.x, largest.y), max(largest.z, largest.w));
  var sums = vec4f(0.0);
  // @unroll
  for (var k = 0u; k < VEC4S; k++) {
    // Padding lanes hold 0 here: the difference is below any exponent.
    let channels = vec4i(4 * i32(k)) + lanes;
    values[k] = select(vec4f(0.0), exp(values[k] - maximum), channels < vec4i(i32(params.classes)));
    sums += values[k];
  }
  let total = (sums.x + sums.y) + (sums.z + sums.w);
  var loss = log(total) + (maximum - own);
  if (FLOOR_PROBABILITY) {
    loss = min(loss, LARGEST_LOSS);
  }
  losses[pixel] = select(weight * loss, 0.0, weight == 0.0);
  let upstream = weight * dlosses[pixel];
  // @unroll
  for (var k = 0u; k < VEC4S; k++) {
    let channels = vec4i(4 * i32(k)) + lanes;
    let onehot = vec4f(channels == vec4i(label));
    let counts = (channels < vec4i(i32(params.classes))) & vec4<bool>(weight != 0.0);
    dlogits[pixel * VEC4S + k] = select(vec4f(0.0), (values[k] / total - onehot) * upstream, counts);
  }
}
