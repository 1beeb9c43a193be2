// v = B^T d B for each tile d of 6x6 pixels of x, of Winograd's F(4x4, 3x3) (Lavin and Gray, 2016): tiles overlap by two pixels, pixels outside x
// are 0. x: [N, H, W, C]; v: [N tiles, 36, C], the 36 points row by row; both in vec4s along C. Grid: one invocation per tile and vec4, vec4s innermost.
alias Value = vec4f;
struct Params {
  // @fields winograd-input
}
// @include winograd-input
