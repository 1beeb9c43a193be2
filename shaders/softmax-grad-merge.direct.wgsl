// Adds up the sums of parts of a row. parts: [rows, part_count]; sums: [rows, chunks]. Grid: one invocation per chunk.
struct Params {
  rows: u32,
  part_count: u32, // parts of a row
  chunks: u32, // of a row
  chunk: u32, // parts of a chunk; the last one may have fewer
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.rows * params.chunks) {
    return;
  }
  let row = (i / params.chunks) * params.part_count;
  let begin = (i % params.chunks) * params.chunk;
  let end = min(begin + params.chunk, params.part_count);
  var total = 0.0;
  for (var k = begin; k < end; k++) {
    total += parts[row + k];
  }
  sums[i] = total;
}
