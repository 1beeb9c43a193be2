// result = chains of fma in registers, the most that arithmetic units do. result: one element per invocation. Grid: one invocation per element.
struct Params {
  step: f32, // apart from one invocation's start to the next
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;

override WG: u32 = 64;
const CHAINS: u32 = 8u; // independent of each other
const STEPS: u32 = 1024u; // fma of each chain

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = f32(id.x) * params.step;
  let y = 0.999;
  var sums: array<f32, CHAINS>;
  // @unroll
  for (var c = 0u; c < CHAINS; c++) {
    sums[c] = x + f32(c);
  }
  for (var s = 0u; s < STEPS; s++) {
    // @unroll
    for (var c = 0u; c < CHAINS; c++) {
      sums[c] = fma(sums[c], y, x);
    }
  }
  var total = 0.0;
  // @unroll
  for (var c = 0u; c < CHAINS; c++) {
    total += sums[c];
  }
  result[id.x] = total;
}
