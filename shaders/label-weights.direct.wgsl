// Weight of each label: its class's, or 1 without class weights; 0 where it is ignored or none of the classes. labels, y: one layout; weights: [C] or absent. Grid: one invocation per element, padding lanes included.
struct Params {
  count: u32, // elements in memory
  classes: u32,
  channels: u32, // of rank-4 labels, else 1
  lanes: u32, // channels with padding lanes, else 1
  // @fields label-weight
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

override WG: u32 = 64;

// @include label-weight

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  var weight = 0.0;
  if (i % params.lanes < params.channels) {
    weight = weight_of(labels[i]);
  }
  y[i] = weight;
}
