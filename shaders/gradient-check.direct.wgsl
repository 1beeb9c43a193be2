// Raises the flag, scaling[3], where a gradient is infinite or NaN. grad: bits of f32 in vec4s; scaling: see src/kernels/loss-scale.ts. Grid: one invocation per vec4.
struct Params {
  count: u32, // elements of grad; what lies behind them may be anything
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> scaling: array<atomic<u32>>;

override WG: u32 = 64;

// @include non-finite

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (4u * i >= params.count) {
    return;
  }
  let counts = vec4u(4u * i) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.count);
  if (any(counts & non_finite4(grad[i]))) {
    atomicStore(&scaling[3], 1u);
  }
}
