// dx[n, h, w, c] = dy where pixel (h, w) is the first maximum of its window, windows disjoint. x, dx [N, H, W, C4]; dy, y [N, OH, OW, C4]. Grid: one invocation per vec4 of a cell of stride_h x stride_w pixels, which holds one window at most.
struct Params {
  count: u32, // vec4s of all cells
  channel_vec4s: u32, // vec4s per pixel
  cells_h: i32,
  cells_w: i32,
  in_h: i32,
  in_w: i32,
  out_h: i32,
  out_w: i32,
  kernel_h: i32,
  kernel_w: i32,
  stride_h: i32,
  stride_w: i32,
  pad_top: i32,
  pad_left: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> y: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;

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
  // Cells behind the last window have none: nothing is a maximum there.
  let has_window = i < params.out_h && j < params.out_w;
  var maximum = vec4f(0.0);
  var arriving = vec4f(0.0);
  if (has_window) {
    let at = u32((n * params.out_h + i) * params.out_w + j) * params.channel_vec4s + c4;
    maximum = y[at];
    arriving = dy[at];
  }
  var open = vec4<bool>(has_window);
  let h_end = min(top + params.stride_h, params.in_h);
  let w_end = min(left + params.stride_w, params.in_w);
  for (var h = max(top, 0); h < h_end; h++) {
    for (var w = max(left, 0); w < w_end; w++) {
      let at = u32((n * params.in_h + h) * params.in_w + w) * params.channel_vec4s + c4;
      let in_window = h < top + params.kernel_h && w < left + params.kernel_w;
      let first = open & (x[at] == maximum) & vec4<bool>(in_window);
      open = open & !first;
      dx[at] = select(vec4f(0.0), arriving, first);
    }
  }
}
