// dx[n, h, w, c] = dy where pixel (h, w) is the first maximum of its window, windows disjoint. x, dx [N, H, W, C4]; dy, y [N, OH, OW, C4]. Grid: one invocation per vec4 of a cell of stride_h x stride_w pixels, which holds one window at most.
struct Params {
  // @fields pool-cell
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> y: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

// @include pool-cell

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let cell = cell_of(index);
  var maximum = vec4f(0.0);
  var arriving = vec4f(0.0);
  if (cell.has_window) {
    maximum = y[cell.at];
    arriving = dy[cell.at];
  }
  var open = vec4<bool>(cell.has_window);
  let h_end = min(cell.top + params.stride_h, params.in_h);
  let w_end = min(cell.left + params.stride_w, params.in_w);
  for (var h = max(cell.top, 0); h < h_end; h++) {
    for (var w = max(cell.left, 0); w < w_end; w++) {
      let at = u32((cell.n * params.in_h + h) * params.in_w + w) * params.channel_vec4s + cell.c4;
      let in_window = h < cell.top + params.kernel_h && w < cell.left + params.kernel_w;
      let first = open & (x[at] == maximum) & vec4<bool>(in_window);
      open = open & !first;
      dx[at] = select(vec4f(0.0), arriving, first);
    }
  }
}
