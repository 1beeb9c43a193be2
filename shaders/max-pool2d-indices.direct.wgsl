// y[n, i, j, c] = offset of the first maximum of window (i, j) in logical [N, C, H, W] order, -1 if the window is empty. x [N, H, W, C4], y [N, OH, OW, C4]. Grid: one invocation per vec4 of y.
struct Params {
  count: u32, // vec4s of y
  channels: u32,
  channel_vec4s: u32, // vec4s per pixel
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
  dilation_h: i32,
  dilation_w: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4i>;

const LOWEST: f32 = -3.4028234e38; // -FLT_MAX, where the scan starts
// Offsets within a plane, not the whole tensor.
override WITHIN_PLANE: bool = false;
// Offsets that count down the columns of a plane first.
override COLUMN_MAJOR: bool = false;
override WG: u32 = 64;

// First tap u >= 0 of a window at `start` with start + u * dilation >= low.
fn first_tap(start: i32, low: i32, dilation: i32) -> i32 {
  return (max(low - start, 0) + dilation - 1) / dilation;
}

// Behind the last tap u < kernel with start + u * dilation < high.
fn end_tap(start: i32, high: i32, kernel: i32, dilation: i32) -> i32 {
  return min(kernel, (max(high - start, 0) + dilation - 1) / dilation);
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let c4 = index % params.channel_vec4s;
  let pixel = i32(index / params.channel_vec4s);
  let j = pixel % params.out_w;
  let i = (pixel / params.out_w) % params.out_h;
  let n = pixel / (params.out_w * params.out_h);
  let top = i * params.stride_h - params.pad_top;
  let left = j * params.stride_w - params.pad_left;
  let u_end = end_tap(top, params.in_h, params.kernel_h, params.dilation_h);
  let v_begin = first_tap(left, 0, params.dilation_w);
  let v_end = end_tap(left, params.in_w, params.kernel_w, params.dilation_w);
  var best = vec4f(LOWEST);
  var position = vec4i(-1);
  for (var u = first_tap(top, 0, params.dilation_h); u < u_end; u++) {
    let h = top + u * params.dilation_h;
    for (var v = v_begin; v < v_end; v++) {
      let w = left + v * params.dilation_w;
      let value = x[u32((n * params.in_h + h) * params.in_w + w) * params.channel_vec4s + c4];
      let larger = value > best;
      best = select(best, value, larger);
      position = select(position, vec4i(select(h * params.in_w + w, w * params.in_h + h, COLUMN_MAJOR)), larger);
    }
  }
  let lanes = vec4i(4 * i32(c4)) + vec4i(0, 1, 2, 3);
  let plane = (vec4i(n * i32(params.channels)) + lanes) * (params.in_h * params.in_w);
  let offset = position + select(plane, vec4i(0), WITHIN_PLANE);
  let found = select(vec4i(-1), offset, position >= vec4i(0));
  y[index] = select(vec4i(0), found, lanes < vec4i(i32(params.channels)));
}
