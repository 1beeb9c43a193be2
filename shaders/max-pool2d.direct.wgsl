// y[n, i, j, c] = the largest x[n, h, w, c] of window (i, j). x [N, H, W, C4], y [N, OH, OW, C4]. Grid: one invocation per vec4 of y.
struct Params {
  // @fields pool-window
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

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
  y[index] = select(vec4f(0.0), largest_in(window).value, held_lanes(window.c4));
}
