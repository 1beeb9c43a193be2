// dx[k] (+)= sum over outputs o of dy[o] times the weight with which o reads x[k]. dx [outer, in, inner] vec4s, dy [outer, out, inner] vec4s. Grid: one invocation per vec4 of dx.
alias Value = vec4f;
struct Params {
  // @fields resize-table
  // @fields resize-grad-main
}
// @include resize-table
// @include resize-grad-main
