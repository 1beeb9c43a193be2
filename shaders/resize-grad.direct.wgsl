// dx[k] (+)= sum over outputs o of dy[o] times the weight with which o reads x[k]. dx [outer, in, inner], dy [outer, out, inner]. Grid: one invocation per element of dx.
alias Value = f32;
struct Params {
  // @fields resize-table
  // @fields resize-grad-main
}
// @include resize-table
// @include resize-grad-main
