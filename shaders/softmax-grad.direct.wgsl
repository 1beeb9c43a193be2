// dx = y * (dy - sum), or dy - exp(y) * sum if LOG. dy, y, dx: rows of `count` elements, dx's padding lanes 0; sums: one a row. Grid: one invocation per element.
struct Params {
  // @fields row-elements
  channels: u32, // of a rank-4 tensor, else 1
  lanes: u32, // channels with padding lanes, else 1
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read> sums: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;

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
  if (LOG) {
    dx[at] = dy[at] - exp(y[at]) * sums[row];
  } else {
    dx[at] = y[at] * (dy[at] - sums[row]);
  }
  // The last channel's invocation clears the padding lanes behind it.
  let lane = at % params.lanes;
  if (lane + 1u == params.channels) {
    for (var pad = params.channels; pad < params.lanes; pad++) {
      dx[at - lane + pad] = 0.0;
    }
  }
}
