// The loss scale of the next step: smaller where the flag is raised, larger after a number of steps without it; lowers the flag. scaling: see src/kernels/loss-scale.ts. Grid: one invocation.
struct Params {
  growth: f32,
  backoff: f32,
  interval: u32, // good steps in a row before the scale grows
  least: f32,
  largest: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> scaling: array<u32>;

@compute @workgroup_size(1)
fn main() {
  let scale = bitcast<f32>(scaling[0]);
  let good = scaling[1] + 1u;
  if (scaling[3] != 0u) {
    scaling[0] = bitcast<u32>(max(scale * params.backoff, params.least));
    scaling[1] = 0u;
    scaling[2] += 1u;
  } else if (good >= params.interval) {
    scaling[0] = bitcast<u32>(min(scale * params.growth, params.largest));
    scaling[1] = 0u;
  } else {
    scaling[1] = good;
  }
  scaling[3] = 0u;
}
