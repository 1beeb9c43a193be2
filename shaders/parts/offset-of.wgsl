// Places of a walk over axes that memory does not merge (rows.ts).
// Memory offset of the index-th place along up to four merged axes, innermost last.
fn offset_of(index: u32, dims: vec4u, strides: vec4u) -> u32 {
  var rest = index;
  var offset = 0u;
  for (var a = 3u; a > 0u && rest > 0u; a--) {
    offset += (rest % dims[a]) * strides[a];
    rest /= dims[a];
  }
  return offset + rest * strides[0];
}
