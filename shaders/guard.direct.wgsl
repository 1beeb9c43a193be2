// Halts the optimiser where x holds an infinity or a NaN, by bit pattern, and notes the first batch in which that was seen. x: the bits of f32; hyper: see src/kernels/sgd.ts. Grid: one invocation per element.
struct Params {
  count: u32, // elements
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> hyper: array<atomic<u32>>;

override WG: u32 = 64;

const ONE = 0x3f800000u; // the bits of 1.0

// @include non-finite

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count || !non_finite(x[i])) {
    return;
  }
  atomicStore(&hyper[4], ONE);
  atomicMin(&hyper[6], atomicLoad(&hyper[5]));
}
