// dx[n, h, w, c] = dy where the tap of the pixel's window, windows disjoint, lies on pixel (h, w). dx [N, H, W, C4]; dy [N, OH, OW, C4]; taps [N, OH, OW, C/4], a byte a channel. Grid: one invocation per vec4 of a cell of stride_h x stride_w pixels, which holds one window at most.
struct Params {
  count: u32, // vec4s of all cells
  channel_vec4s: u32, // vec4s per pixel
  cells_h: i32,
  cells_w: i32,
  in_h: i32,
  in_w: i32,
  out_h: i32,
  out_w: i32,
  kernel_w: i32,
  stride_h: i32,
  stride_w: i32,
  pad_top: i32,
  pad_left: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> taps: array<u32>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let c4 = index % params.channel_vec4s;
  let cell = i32(index / params.channel_vec4s);
  let j = cell % params.cells_w;
  let i = (cell / params.cells_w) % params.cells_h;
  let n = cell / (params.cells_w * params.cells_h);
  let top = i * params.stride_h - params.pad_top;
  let left = j * params.stride_w - params.pad_left;
  var places = vec4i(-1);
  var arriving = vec4f(0.0);
  // Cells behind the last window have none.
  if (i < params.out_h && j < params.out_w) {
    let at = u32((n * params.out_h + i) * params.out_w + j) * params.channel_vec4s + c4;
    let bytes = taps[at];
    places = vec4i(vec4u(bytes, bytes >> 8u, bytes >> 16u, bytes >> 24u) & vec4u(255u));
    arriving = dy[at];
  }
  let rows = places / params.kernel_w + top;
  let columns = places % params.kernel_w + left;
  let h_end = min(top + params.stride_h, params.in_h);
  let w_end = min(left + params.stride_w, params.in_w);
  for (var h = max(top, 0); h < h_end; h++) {
    for (var w = max(left, 0); w < w_end; w++) {
      let at = u32((n * params.in_h + h) * params.in_w + w) * params.channel_vec4s + c4;
      dx[at] = select(vec4f(0.0), arriving, (places >= vec4i(0)) & (rows == vec4i(h)) & (columns == vec4i(w)));
    }
  }
}
