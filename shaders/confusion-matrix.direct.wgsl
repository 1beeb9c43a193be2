// Adds 1 at [label, prediction] for each pixel whose label and prediction are classes. labels, prediction: i32 of one layout; counts: i32 [classes, classes], zeroed before. Grid: one invocation per element, padding lanes included.
struct Params {
  count: u32, // elements of labels in memory
  classes: u32,
  channels: u32, // of rank-4 labels, else 1
  lanes: u32, // channels with padding lanes, else 1
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> prediction: array<i32>;
@group(0) @binding(3) var<storage, read_write> counts: array<atomic<i32>>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count || i % params.lanes >= params.channels) {
    return;
  }
  let classes = i32(params.classes);
  let label = labels[i];
  let predicted = prediction[i];
  if (label >= 0 && label < classes && predicted >= 0 && predicted < classes) {
    atomicAdd(&counts[label * classes + predicted], 1);
  }
}
