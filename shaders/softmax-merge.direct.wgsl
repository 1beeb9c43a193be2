// Merges the (m, sum) pairs of parts of a row into those of its chunks. parts: pairs, [rows, part_count]; stats: pairs, [rows, chunks]. Grid: one invocation per chunk.
struct Params {
  rows: u32,
  part_count: u32, // parts of a row
  chunks: u32, // of a row
  chunk: u32, // parts of a chunk; the last one may have fewer
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> stats: array<f32>;

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
  var largest = parts[2u * (row + begin)];
  for (var k = begin + 1u; k < end; k++) {
    largest = max(largest, parts[2u * (row + k)]);
  }
  var total = 0.0;
  for (var k = begin; k < end; k++) {
    total += parts[2u * (row + k) + 1u] * exp(parts[2u * (row + k)] - largest);
  }
  stats[2u * i] = largest;
  stats[2u * i + 1u] = total;
}
