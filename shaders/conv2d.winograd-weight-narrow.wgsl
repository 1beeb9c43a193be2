// u = G g G^T for each 3x3 kernel g, of Winograd's F(4x4, 3x3), as conv2d.winograd-weight computes it.
// One channel at a time: a quarter of the code, which software drivers compile for longer than they run it.
// weight: [O, 3, 3, C]; u: [36, O, C], C padded to 4. Grid: one invocation per output channel and channel.
alias Value = f32;
struct Params {
  // @fields winograd-weight
}
// @include winograd-weight
