// dlogits = (softmax(logits) - onehot(label)) * weight * dloss of each pixel; 0 at ignored labels and in padding lanes. logits, dlogits: [N, C, ...]; dlosses, labels: [N, ...]; weights: [C] or absent. Grid: one invocation per pixel.
struct Params {
  // @fields pixel-rows
  class_lanes: u32, // classes with padding lanes
  // @fields label-weight
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dlosses: array<f32>;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read> labels: array<i32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> dlogits: array<f32>;

override WG: u32 = 64;

// @include label-weight

// Terms that are added up before they join the sum: many classes lose no accuracy.
const BLOCK: u32 = 64u;

// @include offset-of

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.rows) {
    return;
  }
  let base = offset_of(i, params.row_dims, params.row_strides);
  let at = offset_of(i, params.row_dims, params.value_strides);
  let label = labels[at];
  let weight = weight_of(label);
  if (weight == 0.0) {
    for (var c = 0u; c < params.class_lanes; c++) {
      dlogits[base + c * params.class_stride] = 0.0;
    }
    return;
  }
  var largest = logits[base];
  for (var c = 1u; c < params.classes; c++) {
    largest = max(largest, logits[base + c * params.class_stride]);
  }
  var total = 0.0;
  for (var begin = 0u; begin < params.classes; begin += BLOCK) {
    let end = min(begin + BLOCK, params.classes);
    var partial = 0.0;
    for (var c = begin; c < end; c++) {
      partial += exp(logits[base + c * params.class_stride] - largest);
    }
    total += partial;
  }
  let upstream = weight * dlosses[at];
  for (var c = 0u; c < params.classes; c++) {
    let probability = exp(logits[base + c * params.class_stride] - largest) / total;
    dlogits[base + c * params.class_stride] = (probability - select(0.0, 1.0, i32(c) == label)) * upstream;
  }
  for (var c = params.classes; c < params.class_lanes; c++) {
    dlogits[base + c * params.class_stride] = 0.0;
  }
}
