// dx[n, h, w, c] = sum of dy / places over the windows that cover pixel (h, w). dx [N, H, W, C4], dy [N, OH, OW, C4]. Grid: one invocation per vec4 of dx.
struct Params {
  count: u32, // vec4s of dx
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
  count_top: i32, // the divisor counts taps in rows count_top <= h < count_bottom, columns likewise
  count_left: i32,
  count_bottom: i32,
  count_right: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

// First tap u >= 0 of a window at `start` with start + u * dilation >= low.
fn first_tap(start: i32, low: i32, dilation: i32) -> i32 {
  return (max(low - start, 0) + dilation - 1) / dilation;
}

// Behind the last tap u < kernel with start + u * dilation < high.
fn end_tap(start: i32, high: i32, kernel: i32, dilation: i32) -> i32 {
  return min(kernel, (max(high - start, 0) + dilation - 1) / dilation);
}

// First window whose last tap reaches padded row `place`.
fn first_window(place: i32, kernel: i32, dilation: i32, stride: i32) -> i32 {
  return (max(place - (kernel - 1) * dilation, 0) + stride - 1) / stride;
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let c4 = index % params.channel_vec4s;
  let pixel = i32(index / params.channel_vec4s);
  let w = pixel % params.in_w;
  let h = (pixel / params.in_w) % params.in_h;
  let n = pixel / (params.in_w * params.in_h);
  let row_place = h + params.pad_top;
  let column_place = w + params.pad_left;
  let i_end = min(row_place / params.stride_h + 1, params.out_h);
  let j_end = min(column_place / params.stride_w + 1, params.out_w);
  let j_begin = first_window(column_place, params.kernel_w, params.dilation_w, params.stride_w);
  var total = vec4f(0.0);
  for (var i = first_window(row_place, params.kernel_h, params.dilation_h, params.stride_h); i < i_end; i++) {
    let top = i * params.stride_h - params.pad_top;
    if ((h - top) % params.dilation_h != 0) {
      continue;
    }
    let rows = end_tap(top, params.count_bottom, params.kernel_h, params.dilation_h) - first_tap(top, params.count_top, params.dilation_h);
    var row_total = vec4f(0.0);
    for (var j = j_begin; j < j_end; j++) {
      let left = j * params.stride_w - params.pad_left;
      if ((w - left) % params.dilation_w != 0) {
        continue;
      }
      let columns = end_tap(left, params.count_right, params.kernel_w, params.dilation_w) - first_tap(left, params.count_left, params.dilation_w);
      // This pixel is one of the places, so there is at least one.
      row_total += dy[u32((n * params.out_h + i) * params.out_w + j) * params.channel_vec4s + c4] / f32(rows * columns);
    }
    total += row_total;
  }
  dx[index] = total;
}
