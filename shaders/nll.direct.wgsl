// Each pixel's loss: minus its label's weight times x[label]; 0 at ignored labels. x: [N, C, ...] log-probabilities; labels, losses: [N, ...]; weights: [C] or absent. Grid: one invocation per pixel.
struct Params {
  // @fields pixel-rows
  // @fields padded-losses
  // @fields label-weight
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> losses: array<f32>;

override WG: u32 = 64;

// @include label-weight
// @include offset-of
// @include padded-losses

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
