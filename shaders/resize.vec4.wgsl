// y[o] = (1 - w) x[left] + w x[left + 1] along one axis, (left, w) from a table. x [outer, in, inner] vec4s, y [outer, out, inner] vec4s. Grid: one invocation per vec4 of outputs begin .. begin + span.
alias Value = vec4f;
struct Params {
  // @fields resize-table
  // @fields resize-main
}
// @include resize-table
// @include resize-main
