// dx = -weight * dloss at each pixel's label, else 0, also at ignored labels and in padding lanes. dx: [N, C, ...]; dlosses, labels: [N, ...]; weights: [C] or absent. Grid: one invocation per pixel.
struct Params {
  // @fields pixel-rows
  class_lanes: u32, // classes with padding lanes
  // @fields label-weight
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dlosses: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

override WG: u32 = 64;

// @include label-weight
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
  for (var c = 0u; c < params.class_lanes; c++) {
    var value = 0.0;
    if (weight != 0.0 && i32(c) == label) {
      value = -weight * dlosses[at];
    }
    dx[base + c * params.class_stride] = value;
  }
}
