// y = A^T m A + bias for each tile m of 6x6 points, of Winograd's F(4x4, 3x3) (Lavin and Gray, 2016): 4x4 pixels of y a tile.
// m: [N tiles, 36, O], the points row by row; y: [N, I, J, O]; both in vec4s along O. Grid: one invocation per tile and vec4, vec4s innermost.
alias Value = vec4f;
struct Params {
  // @fields conv-epilogue
  // @fields winograd-output
}
// @include winograd-output
// @include conv-epilogue
