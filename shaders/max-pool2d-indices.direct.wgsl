// y[n, i, j, c] = offset of the first maximum of window (i, j) in logical [N, C, H, W] order, -1 if the window is empty. x [N, H, W, C4], y [N, OH, OW, C4]. Grid: one invocation per vec4 of y.
struct Params {
  // @fields pool-window
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4i>;

// Offsets within a plane, not the whole tensor.
override WITHIN_PLANE: bool = false;
// Offsets that count down the columns of a plane first.
override COLUMN_MAJOR: bool = false;
override WG: u32 = 64;

// @include lowest
// @include largest
// @include lanes
// @include pool-window
// @include pool-scan

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let window = window_of(index);
  let tap = largest_in(window).tap;
  let h = vec4i(window.top) + tap / params.kernel_w * params.dilation_h;
  let w = vec4i(window.left) + tap % params.kernel_w * params.dilation_w;
  let position = select(h * params.in_w + w, w * params.in_h + h, vec4<bool>(COLUMN_MAJOR));
  let lanes = vec4i(4 * i32(window.c4)) + vec4i(0, 1, 2, 3);
  let plane = (vec4i(window.n * i32(params.channels)) + lanes) * (params.in_h * params.in_w);
  let offset = position + select(plane, vec4i(0), WITHIN_PLANE);
  let found = select(vec4i(-1), offset, tap >= vec4i(0));
  y[index] = select(vec4i(0), found, held_lanes(window.c4));
}
