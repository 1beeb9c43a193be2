// y[n, i, j, c] = the largest x[n, h, w, c] of window (i, j), and taps[n, i, j, c4] = which tap of the window that is for each of four channels, a byte
// each: row by row, the first of equals; 255 for none. KERNEL_H x KERNEL_W taps, unrolled. x [N, H, W, C4], y [N, OH, OW, C4]. Grid: part pool-row.
struct Params {
  // @fields pool-row
  channels: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> taps: array<u32>;

const LOWEST: f32 = -3.4028234e38; // -FLT_MAX, where the scan starts
const KERNEL_H: u32 = 2u;
const KERNEL_W: u32 = 2u;
override WG: u32 = 64;

// @include pool-row

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.row_vec4s) {
    return;
  }
  let window = window_of(id.x, id.y);
  var best = vec4f(LOWEST);
  var found = vec4u(255u);
  // @unroll
  for (var u = 0u; u < KERNEL_H; u++) {
    let h = clamp(window.top + i32(u), 0, params.in_h - 1);
    let row = (i32(id.z) * params.in_h + h) * params.in_w;
    // @unroll
    for (var v = 0u; v < KERNEL_W; v++) {
      let w = clamp(window.left + i32(v), 0, params.in_w - 1);
      let value = x[u32(row + w) * params.channel_vec4s + window.c4];
      let larger = value > best;
      best = select(best, value, larger);
      found = select(found, vec4u(u32(h - window.top) * KERNEL_W + u32(w - window.left)), larger);
    }
  }
  let at = (id.z * params.out_h + id.y) * params.row_vec4s + id.x;
  y[at] = best;
  // Behind C too there is none.
  let bytes = select(vec4u(255u), found, vec4u(4u * window.c4) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.channels));
  taps[at] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}
