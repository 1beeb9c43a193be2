// dx[n, h, w, c] = sum of dy over the windows whose first maximum is pixel (h, w). x, dx [N, H, W, C4]; dy, y [N, OH, OW, C4]. Grid: one invocation per vec4 of dx.
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
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> y: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

// First window whose last tap reaches padded row `place`.
fn first_window(place: i32, kernel: i32, dilation: i32, stride: i32) -> i32 {
  return (max(place - (kernel - 1) * dilation, 0) + stride - 1) / stride;
}

// Lanes where a tap before (u, v) in row order of the window at (top, left) of image n equals `value`.
fn earlier(n: i32, top: i32, left: i32, u: i32, v: i32, c4: u32, value: vec4f) -> vec4<bool> {
  var found = vec4<bool>(false);
  for (var a = 0; a <= u; a++) {
    let h = top + a * params.dilation_h;
    if (h < 0) {
      continue;
    }
    let v_end = select(params.kernel_w, v, a == u);
    for (var b = 0; b < v_end; b++) {
      let w = left + b * params.dilation_w;
      if (w >= 0 && w < params.in_w) {
        found = found | (x[u32((n * params.in_h + h) * params.in_w + w) * params.channel_vec4s + c4] == value);
      }
    }
  }
  return found;
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
  let here = x[index];
  let row_place = h + params.pad_top;
  let column_place = w + params.pad_left;
  let i_end = min(row_place / params.stride_h + 1, params.out_h);
  let j_end = min(column_place / params.stride_w + 1, params.out_w);
  let j_begin = first_window(column_place, params.kernel_w, params.dilation_w, params.stride_w);
  var total = vec4f(0.0);
  for (var i = first_window(row_place, params.kernel_h, params.dilation_h, params.stride_h); i < i_end; i++) {
    let from_top = row_place - i * params.stride_h;
    if (from_top % params.dilation_h != 0) {
      continue;
    }
    var row_total = vec4f(0.0);
    for (var j = j_begin; j < j_end; j++) {
      let from_left = column_place - j * params.stride_w;
      if (from_left % params.dilation_w != 0) {
        continue;
      }
      let at = u32((n * params.out_h + i) * params.out_w + j) * params.channel_vec4s + c4;
      let maximum = y[at];
      let equal = here == maximum;
      if (any(equal)) {
        let lost = earlier(n, h - from_top, w - from_left, from_top / params.dilation_h, from_left / params.dilation_w, c4, maximum);
        row_total += select(vec4f(0.0), dy[at], equal & !lost);
      }
    }
    total += row_total;
  }
  dx[index] = total;
}
