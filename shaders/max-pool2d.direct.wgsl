// y[n, i, j, c] = the largest x[n, h, w, c] of window (i, j). x [N, H, W, C4], y [N, OH, OW, C4]. Grid: one invocation per vec4 of y.
struct Params {
  // @fields pool-window
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

const LOWEST: f32 = -3.4028234e38; // -FLT_MAX, where the scan starts
override WG: u32 = 64;

// @include pool-window

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let window = window_of(index);
  var best = vec4f(LOWEST);
  for (var u = window.u_begin; u < window.u_end; u++) {
    let row = (window.n * params.in_h + window.top + u * params.dilation_h) * params.in_w + window.left;
    for (var v = window.v_begin; v < window.v_end; v++) {
      let value = x[u32(row + v * params.dilation_w) * params.channel_vec4s + window.c4];
      best = select(best, value, value > best);
    }
  }
  let lanes = vec4u(4u * window.c4) + vec4u(0u, 1u, 2u, 3u);
  y[index] = select(vec4f(0.0), best, lanes < vec4u(params.channels));
}
