// dx[n, h, w, c] = dy where the tap of the pixel's window, windows disjoint, lies on pixel (h, w). dx [N, H, W, C4]; dy [N, OH, OW, C4]; taps [N, OH, OW, C/4], a byte a channel. Grid: one invocation per vec4 of a cell of stride_h x stride_w pixels, which holds one window at most.
struct Params {
  // @fields pool-cell
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> taps: array<u32>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

// @include packed-taps
// @include pool-cell

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let cell = cell_of(index);
  var places = vec4i(-1);
  var arriving = vec4f(0.0);
  if (cell.has_window) {
    places = unpack(taps[cell.at]);
    arriving = dy[cell.at];
  }
  let rows = places / params.kernel_w + cell.top;
  let columns = places % params.kernel_w + cell.left;
  let h_end = min(cell.top + params.stride_h, params.in_h);
  let w_end = min(cell.left + params.stride_w, params.in_w);
  for (var h = max(cell.top, 0); h < h_end; h++) {
    for (var w = max(cell.left, 0); w < w_end; w++) {
      let at = u32((cell.n * params.in_h + h) * params.in_w + w) * params.channel_vec4s + cell.c4;
      dx[at] = select(vec4f(0.0), arriving, (places >= vec4i(0)) & (rows == vec4i(h)) & (columns == vec4i(w)));
    }
  }
}
