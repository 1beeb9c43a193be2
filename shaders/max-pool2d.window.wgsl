// y[n, i, j, c] = the largest x[n, h, w, c] of window (i, j), its KERNEL_H x KERNEL_W taps unrolled. x [N, H, W, C4], y [N, OH, OW, C4]. Grid: part pool-row.
struct Params {
  // @fields pool-row
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;

// @include lowest
// @include largest
// @include pool-row

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.row_vec4s) {
    return;
  }
  // Lanes behind C hold zeros in x, and so here.
  y[place_of(id)] = largest_in(window_of(id)).value;
}
