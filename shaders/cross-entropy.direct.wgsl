// Each pixel's loss: its label's weight times log(sum exp(logits)) - logits[label]; 0 at ignored labels. logits: [N, C, ...]; labels, losses: [N, ...]; weights: [C] or absent. Grid: one invocation per pixel.
struct Params {
  // @fields pixel-rows
  // @fields padded-losses
  // @fields label-weight
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> losses: array<f32>;

override WG: u32 = 64;
override FLOOR_PROBABILITY: bool = false;
// @include label-weight

// Terms that are added up before they join the sum: many classes lose no accuracy.
const BLOCK: u32 = 64u;
// -log(FLT_MIN): Caffe's probabilities are at least FLT_MIN.
const LARGEST_LOSS: f32 = 87.33654475;

// @include offset-of
// @include padded-losses

fn negative_log_likelihood(base: u32, label: u32) -> f32 {
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
  let loss = log(total) + (largest - logits[base + label * params.class_stride]);
  return select(loss, min(loss, LARGEST_LOSS), FLOOR_PROBABILITY);
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.rows) {
    return;
  }
  let at = offset_of(i, params.row_dims, params.value_strides);
  let label = labels[at];
  let weight = weight_of(label);
  var loss = 0.0;
  if (weight != 0.0) {
    loss = weight * negative_log_likelihood(offset_of(i, params.row_dims, params.row_strides), u32(label));
  }
  losses[at] = loss;
  clear_padding(at);
}
