// Each pixel's loss: minus its label's weight times x[label]; 0 at ignored labels. x: [N, C, ...] log-probabilities; labels, losses: [N, ...]; weights: [C] or absent. Grid: one invocation per pixel.
struct Params {
  row_dims: vec4u, // the pixels
  row_strides: vec4u, // of the pixels in x
  value_strides: vec4u, // of the pixels in labels and losses
  rows: u32, // pixels
  classes: u32,
  class_stride: u32, // in elements of x
  channels: u32, // of the losses where they have rank 4, else 1
  lanes: u32, // channels with padding lanes, else 1
  ignore_index: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> losses: array<f32>;

override WG: u32 = 64;
override HAS_IGNORE: bool = false;
override HAS_WEIGHTS: bool = false;

// Memory offset of the index-th place along up to four merged axes, innermost last.
fn offset_of(index: u32, dims: vec4u, strides: vec4u) -> u32 {
  var rest = index;
  var offset = 0u;
  for (var a = 3u; a > 0u && rest > 0u; a--) {
    offset += (rest % dims[a]) * strides[a];
    rest /= dims[a];
  }
  return offset + rest * strides[0];
}

// Weight of a label: 0 where it is ignored or none of the classes, so that nothing is read out of bounds.
fn weight_of(label: i32) -> f32 {
  if (label < 0 || label >= i32(params.classes) || (HAS_IGNORE && label == params.ignore_index)) {
    return 0.0;
  }
  if (HAS_WEIGHTS) {
    return weights[label];
  }
  return 1.0;
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
    loss = -weight * x[offset_of(i, params.row_dims, params.row_strides) + u32(label) * params.class_stride];
  }
  losses[at] = loss;
  clear_padding(at);
}

// The last channel's invocation clears the padding lanes behind it.
fn clear_padding(at: u32) {
  let lane = at % params.lanes;
  if (lane + 1u == params.channels) {
    for (var pad = params.channels; pad < params.lanes; pad++) {
      losses[at - lane + pad] = 0.0;
    }
  }
}

