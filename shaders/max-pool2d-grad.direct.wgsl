// dx[n, h, w, c] = sum of dy over the windows whose first maximum is pixel (h, w). x, dx [N, H, W, C4]; dy, y [N, OH, OW, C4]. Grid: one invocation per vec4 of dx.
struct Params {
  // @fields pool-window
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<vec4f>;
@group(0) @binding(3) var<storage, read> y: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

// @include pool-pixel

// Lanes where an earlier tap, in row order, of the window that starts so far above and left of the pixel equals `value`.
fn earlier(pixel: Pixel, from_top: i32, from_left: i32, value: vec4f) -> vec4<bool> {
  let u = from_top / params.dilation_h;
  let v = from_left / params.dilation_w;
  var found = vec4<bool>(false);
  for (var a = 0; a <= u; a++) {
    let h = pixel.row - params.pad_top - from_top + a * params.dilation_h;
    if (h < 0) {
      continue;
    }
    let v_end = select(params.kernel_w, v, a == u);
    for (var b = 0; b < v_end; b++) {
      let w = pixel.column - params.pad_left - from_left + b * params.dilation_w;
      if (w >= 0 && w < params.in_w) {
        found = found | (x[u32((pixel.n * params.in_h + h) * params.in_w + w) * params.channel_vec4s + pixel.c4] == value);
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
  let pixel = pixel_of(index);
  let here = x[index];
  var total = vec4f(0.0);
  for (var i = pixel.i_begin; i < pixel.i_end; i++) {
    let from_top = pixel.row - i * params.stride_h;
    if (from_top % params.dilation_h != 0) {
      continue;
    }
    var row_total = vec4f(0.0);
    for (var j = pixel.j_begin; j < pixel.j_end; j++) {
      let from_left = pixel.column - j * params.stride_w;
      if (from_left % params.dilation_w != 0) {
        continue;
      }
      let at = u32((pixel.n * params.out_h + i) * params.out_w + j) * params.channel_vec4s + pixel.c4;
      let maximum = y[at];
      let equal = here == maximum;
      if (any(equal)) {
        let lost = earlier(pixel, from_top, from_left, maximum);
        row_total += select(vec4f(0.0), dy[at], equal & !lost);
      }
    }
    total += row_total;
  }
  dx[index] = total;
}
