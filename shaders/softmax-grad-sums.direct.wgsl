// Sums of dy * y, or of dy if LOG, over each chunk of a row. dy, y: rows of `count` elements; sums: [rows, chunks]. Grid: one invocation per chunk.
struct Params {
  // @fields row-elements
  chunks: u32, // of a row
  chunk: u32, // elements of a chunk; the last one may have fewer
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

override WG: u32 = 64;
override LOG: bool = false;

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
  var total = 0.0;
  for (var k = begin; k < end; k++) {
    let at = base + offset_of(k, params.element_dims, params.element_strides);
    if (LOG) {
      total += dy[at];
    } else {
      total += dy[at] * y[at];
    }
  }
  sums[i] = total;
}
