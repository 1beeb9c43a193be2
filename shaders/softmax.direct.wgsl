// y = exp(x - m) / sum, or x - m - log(sum) if LOG. x, y: rows of `count` elements, y's padding lanes 0; stats: the pair (m, sum) of each row. Grid: one invocation per element.
struct Params {
  // @fields row-elements
  channels: u32, // of a rank-4 tensor, else 1
  lanes: u32, // channels with padding lanes, else 1
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> stats: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

override WG: u32 = 64;
override LOG: bool = false;

// @include offset-of

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.rows * params.count) {
    return;
  }
  let row = i / params.count;
  let at = offset_of(row, params.row_dims, params.row_strides) + offset_of(i % params.count, params.element_dims, params.element_strides);
  let shifted = x[at] - stats[2u * row];
  if (LOG) {
    y[at] = shifted - log(stats[2u * row + 1u]);
  } else {
    y[at] = exp(shifted) / stats[2u * row + 1u];
  }
  // The last channel's invocation clears the padding lanes behind it.
  let lane = at % params.lanes;
  if (lane + 1u == params.channels) {
    for (var pad = params.channels; pad < params.lanes; pad++) {
      y[at - lane + pad] = 0.0;
    }
  }
}
