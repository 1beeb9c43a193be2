// Adds the number of infinities and NaNs among x, by bit pattern, to found, which was zeroed before. x: the bits of f32, row-major or with padding lanes of zeros; found: i32 [1]. Grid: one invocation per element.
struct Params {
  count: u32, // elements
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> found: array<atomic<i32>>;

override WG: u32 = 64;

// @include non-finite

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i < params.count && non_finite(x[i])) {
    atomicAdd(&found[0], 1);
  }
}
