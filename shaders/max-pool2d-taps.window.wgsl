// y[n, i, j, c] = the largest x[n, h, w, c] of window (i, j), and taps[n, i, j, c4] = which tap of the window that is for each of four channels, a byte
// each: row by row, the first of equals; 255 for none. KERNEL_H x KERNEL_W taps, unrolled. x [N, H, W, C4], y [N, OH, OW, C4]. Grid: part pool-row.
struct Params {
  // @fields pool-row
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> taps: array<u32>;

override WG: u32 = 64;

// @include lowest
// @include largest
// @include lanes
// @include packed-taps
// @include pool-row

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.row_vec4s) {
    return;
  }
  let window = window_of(id);
  let best = largest_in(window);
  let at = place_of(id);
  y[at] = best.value;
  // Behind C too there is none.
  taps[at] = pack(select(vec4i(-1), best.tap, held_lanes(window.c4)));
}
