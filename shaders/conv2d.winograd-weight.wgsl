// u = G g G^T for each 3x3 kernel g, of Winograd's F(4x4, 3x3) (Lavin and Gray, 2016); in a transpose the taps of g are in reverse order.
// weight: [O, 3, 3, C]; u: [36, O, C], the 36 points row by row; both in vec4s along C. Grid: one invocation per output channel and vec4.
alias Value = vec4f;
struct Params {
  // @fields winograd-weight
}
// @include winograd-weight
