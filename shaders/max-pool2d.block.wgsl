// y[n, i, j, c] = the largest x[n, h, w, c] of window (i, j); windows overlap and lie inside the image. x [N, H, W, C4], y [N, OH, OW, C4]. Grid: one invocation per vec4 of 2x2 pixels of y, which reads what their windows share once.
struct Params {
  count: u32, // vec4s of all blocks
  channels: u32,
  channel_vec4s: u32, // vec4s per pixel
  blocks_h: u32, // of 2 pixels
  blocks_w: u32,
  in_h: u32,
  in_w: u32,
  out_h: u32,
  out_w: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;
const KERNEL: u32 = 3u;
const STRIDE: u32 = 2u;
const PATCH: u32 = 5u; // STRIDE + KERNEL

// @include lowest
// @include lanes

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let c4 = index % params.channel_vec4s;
  let tile = index / params.channel_vec4s;
  let j = tile % params.blocks_w * 2u;
  let i = tile / params.blocks_w % params.blocks_h * 2u;
  let n = tile / (params.blocks_w * params.blocks_h);
  // The maxima along each row of the patch, for the left and the right pixel. Behind the last pixel: any place inside x.
  var rows: array<array<vec4f, 2>, PATCH>;
  // @unroll
  for (var r = 0u; r < PATCH; r++) {
    let row = (n * params.in_h + min(i * STRIDE + r, params.in_h - 1u)) * params.in_w;
    var values: array<vec4f, PATCH>;
    // @unroll
    for (var c = 0u; c < PATCH; c++) {
      values[c] = x[(row + min(j * STRIDE + c, params.in_w - 1u)) * params.channel_vec4s + c4];
    }
    // @unroll
    for (var b = 0u; b < 2u; b++) {
      rows[r][b] = vec4f(LOWEST);
      // @unroll
      for (var v = 0u; v < KERNEL; v++) {
        rows[r][b] = select(rows[r][b], values[b * STRIDE + v], values[b * STRIDE + v] > rows[r][b]);
      }
    }
  }
  let held = held_lanes(c4);
  // @unroll
  for (var a = 0u; a < 2u; a++) {
    // @unroll
    for (var b = 0u; b < 2u; b++) {
      var best = vec4f(LOWEST);
      // @unroll
      for (var u = 0u; u < KERNEL; u++) {
        best = select(best, rows[a * STRIDE + u][b], rows[a * STRIDE + u][b] > best);
      }
      if (i + a < params.out_h && j + b < params.out_w) {
        y[((n * params.out_h + i + a) * params.out_w + j + b) * params.channel_vec4s + c4] = select(vec4f(0.0), best, held);
      }
    }
  }
}
