// y[o] = (1 - w) x[left] + w x[left + 1] along one axis, (left, w) from a table. x [outer, in, inner], y [outer, out, inner]. Grid: one invocation per element of outputs begin .. begin + span.
alias Value = f32;
struct Params {
  // @fields resize-table
  // @fields resize-main
}
// @include resize-table
// @include resize-main
