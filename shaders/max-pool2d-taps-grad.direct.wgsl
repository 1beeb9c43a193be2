// dx[n, h, w, c] = sum of dy over the windows whose tap `taps` lies on pixel (h, w). dx [N, H, W, C4]; dy [N, OH, OW, C4]; taps [N, OH, OW, C/4], a byte a channel. Grid: one invocation per vec4 of dx.
struct Params {
  // @fields pool-window
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read> taps: array<u32>;
@group(0) @binding(3) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

// @include packed-taps
// @include pool-pixel

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let pixel = pixel_of(index);
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
      let tap = from_top / params.dilation_h * params.kernel_w + from_left / params.dilation_w;
      let here = unpack(taps[at]) == vec4i(tap);
      if (any(here)) {
        row_total += select(vec4f(0.0), dy[at], here);
      }
    }
    total += row_total;
  }
  dx[index] = total;
}
