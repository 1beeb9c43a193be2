// y[n, i, j, c] = the largest x[n, h, w, c] of window (i, j), and taps[n, i, j, c4] = which tap of the window that is for each of four channels, a byte each: row by row, the first of equals; 255 for none. x [N, H, W, C4], y [N, OH, OW, C4]. Grid: one invocation per vec4 of y.
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
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> taps: array<u32>;

const LOWEST: f32 = -3.4028234e38; // -FLT_MAX, where the scan starts
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
  var found = vec4u(255u);
  for (var u = first_tap(top, 0, params.dilation_h); u < u_end; u++) {
    let row = (n * params.in_h + top + u * params.dilation_h) * params.in_w + left;
    for (var v = v_begin; v < v_end; v++) {
      let value = x[u32(row + v * params.dilation_w) * params.channel_vec4s + c4];
      let larger = value > best;
      best = select(best, value, larger);
      found = select(found, vec4u(u32(u * params.kernel_w + v)), larger);
    }
  }
  let lanes = vec4u(4u * c4) + vec4u(0u, 1u, 2u, 3u);
  let held = lanes < vec4u(params.channels);
  y[index] = select(vec4f(0.0), best, held);
  let bytes = select(vec4u(255u), found, held);
  taps[index] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}
