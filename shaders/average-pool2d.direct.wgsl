// y[n, i, j, c] = mean of x[n, h, w, c] over window (i, j), summed row by row. x [N, H, W, C4], y [N, OH, OW, C4]. Grid: one invocation per vec4 of y.
struct Params {
  // @fields pool-window
  // @fields average-places
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;

// @include pool-window
// @include average-places

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let window = window_of(index);
  var total = vec4f(0.0);
  for (var u = window.u_begin; u < window.u_end; u++) {
    let row = (window.n * params.in_h + window.top + u * params.dilation_h) * params.in_w + window.left;
    var row_total = vec4f(0.0);
    for (var v = window.v_begin; v < window.v_end; v++) {
      row_total += x[u32(row + v * params.dilation_w) * params.channel_vec4s + window.c4];
    }
    total += row_total;
  }
  // A window without a place has total 0: its mean is 0 by definition.
  y[index] = total / f32(max(rows_at(window.top), 1) * max(columns_at(window.left), 1));
}
