// dx[n, h, w, c] = sum of dy over the windows whose tap `taps` lies on pixel (h, w). dx [N, H, W, C4]; dy [N, OH, OW, C4]; taps [N, OH, OW, C/4], a byte a channel. Grid: one invocation per vec4 of dx.
struct Params {
  count: u32, // vec4s of dx
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
@group(0) @binding(2) var<storage, read> taps: array<u32>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

// First window whose last tap reaches padded row `place`.
fn first_window(place: i32, kernel: i32, dilation: i32, stride: i32) -> i32 {
  return (max(place - (kernel - 1) * dilation, 0) + stride - 1) / stride;
}

// The four bytes of a packed value.
fn unpack(bytes: u32) -> vec4u {
  return vec4u(bytes, bytes >> 8u, bytes >> 16u, bytes >> 24u) & vec4u(255u);
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
      let tap = u32(from_top / params.dilation_h * params.kernel_w + from_left / params.dilation_w);
      let here = unpack(taps[at]) == vec4u(tap);
      if (any(here)) {
        row_total += select(vec4f(0.0), dy[at], here);
      }
    }
    total += row_total;
  }
  dx[index] = total;
}
