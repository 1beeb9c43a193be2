// v = B^T d B for each tile d of 6x6 pixels of x, of Winograd's F(4x4, 3x3), as conv2d.winograd-input computes it.
// One channel at a time: a quarter of the code, which software drivers compile for longer than they run it.
// x: [N, H, W, C]; v: [N tiles, 36, C], C padded to 4. Grid: one invocation per tile and channel, channels innermost.
alias Value = f32;
struct Params {
  // @fields winograd-input
}
// @include winograd-input
