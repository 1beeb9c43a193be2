// Index of the largest element of each row, the first of equals or, if SELECT_LAST, the last. x: rows of `count` elements; y: i32, one a row, padding lanes 0. Grid: one invocation per row.
struct Params {
  row_dims: vec4u,
  row_strides: vec4u, // in x
  value_strides: vec4u, // in y
  rows: u32,
  count: u32, // elements of a row
  element_stride: u32, // in x
  channels: u32, // of a y of rank 4, else 1
  lanes: u32, // channels with padding lanes, else 1
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<i32>;

override WG: u32 = 64;
override SELECT_LAST: bool = false;

// @include offset-of

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.rows) {
    return;
  }
  let base = offset_of(i, params.row_dims, params.row_strides);
  var largest = x[base];
  var index = 0u;
  for (var k = 1u; k < params.count; k++) {
    let value = x[base + k * params.element_stride];
    if (value > largest || (SELECT_LAST && value == largest)) {
      largest = value;
      index = k;
    }
  }
  let at = offset_of(i, params.row_dims, params.value_strides);
  y[at] = i32(index);
  // The last channel's invocation clears the padding lanes behind it.
  let lane = at % params.lanes;
  if (lane + 1u == params.channels) {
    for (var pad = params.channels; pad < params.lanes; pad++) {
      y[at - lane + pad] = 0;
    }
  }
}
