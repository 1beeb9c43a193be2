// The step of sgd.direct with gradients of a scaled loss, and no step at all where the flag says that one of them is infinite or NaN. grad, velocity, weight: vec4s of one layout; hyper: as there; scaling: see src/kernels/loss-scale.ts. Grid: one invocation per vec4.
struct Params {
  count: u32, // vec4s
  lr_mult: f32,
  decay_mult: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<vec4f>;
@group(0) @binding(2) var<storage, read> hyper: array<f32>;
@group(0) @binding(3) var<storage, read> scaling: array<u32>;
@group(0) @binding(4) var<storage, read_write> velocity: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> weight: array<vec4f>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count || scaling[3] != 0u) {
    return;
  }
  let w = weight[i];
  let g = grad[i] * (hyper[3] / bitcast<f32>(scaling[0])) + w * (hyper[2] * params.decay_mult);
  let v = velocity[i] * hyper[1] + g * (hyper[0] * params.lr_mult);
  velocity[i] = v;
  weight[i] = w - v;
}
