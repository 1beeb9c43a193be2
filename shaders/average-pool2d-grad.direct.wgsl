// dx[n, h, w, c] = sum of dy / places over the windows that cover pixel (h, w). dx [N, H, W, C4], dy [N, OH, OW, C4]. Grid: one invocation per vec4 of dx.
struct Params {
  // @fields pool-window
  // @fields average-places
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

// @include pool-window
// @include pool-pixel
// @include average-places

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let pixel = pixel_of(index);
  var total = vec4f(0.0);
  for (var i = pixel.i_begin; i < pixel.i_end; i++) {
    if ((pixel.row - i * params.stride_h) % params.dilation_h != 0) {
      continue;
    }
    let rows = rows_at(i * params.stride_h - params.pad_top);
    var row_total = vec4f(0.0);
    for (var j = pixel.j_begin; j < pixel.j_end; j++) {
      if ((pixel.column - j * params.stride_w) % params.dilation_w != 0) {
        continue;
      }
      let columns = columns_at(j * params.stride_w - params.pad_left);
      // This pixel is one of the places, so there is at least one.
      row_total += dy[u32((pixel.n * params.out_h + i) * params.out_w + j) * params.channel_vec4s + pixel.c4] / f32(rows * columns);
    }
    total += row_total;
  }
  dx[index] = total;
}
