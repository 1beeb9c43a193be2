// The largest element m of each chunk of a row and the sum of exp(x - m). x: rows of `count` elements; stats: pairs (m, sum), [rows, chunks]. Grid: one invocation per chunk.
struct Params {
  // @fields row-elements
  chunks: u32, // of a row
  chunk: u32, // elements of a chunk; the last one may have fewer
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> stats: array<f32>;

override WG: u32 = 64;

// @include offset-of

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.rows * params.chunks) {
    return;
  }
  let base = offset_of(i / params.chunks, params.row_dims, params.row_strides);
  let begin = (i % params.chunks) * params.chunk;
  let end = min(begin + params.chunk, params.count);
  var largest = x[base + offset_of(begin, params.element_dims, params.element_strides)];
  for (var k = begin + 1u; k < end; k++) {
    largest = max(largest, x[base + offset_of(k, params.element_dims, params.element_strides)]);
  }
  var total = 0.0;
  for (var k = begin; k < end; k++) {
    total += exp(x[base + offset_of(k, params.element_dims, params.element_strides)] - largest);
  }
  stats[2u * i] = largest;
  stats[2u * i + 1u] = total;
}
