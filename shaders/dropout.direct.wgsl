// y = x * scale where a random number is at least the threshold, else 0. x, y: one layout; rng: u32 [seed, step]. Grid: one invocation per element, padding lanes included.
struct Params {
  count: u32, // elements in memory
  channels: u32, // of a rank-4 tensor, else 1
  lanes: u32, // channels with padding lanes, else 1
  plane: u32, // pixels of an image of a rank-4 tensor, else all elements
  node_seed: u32,
  offset: u32, // logical index of the first element
  threshold: u32, // p * 2^32
  scale: f32, // 1 / (1 - p)
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> rng: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

override WG: u32 = 64;

// PCG4D: Jarzynski and Olano, Hash Functions for GPU Rendering, JCGT 9(3), 2020.
fn pcg4d(counter: vec4u) -> vec4u {
  var v = counter * 1664525u + 1013904223u;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v;
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  let channel = i % params.lanes;
  let pixel = i / params.lanes;
  let index = ((pixel / params.plane) * params.channels + channel) * params.plane + pixel % params.plane;
  let random = pcg4d(vec4u(index + params.offset, params.node_seed, rng[0], rng[1])).x;
  y[i] = select(0.0, x[i] * params.scale, random >= params.threshold && channel < params.channels);
}
