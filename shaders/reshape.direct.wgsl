// y holds x's elements in row-major order under another shape. x, y: any layout, 4-byte elements. Grid: one invocation per element of y in memory.
struct Params {
  count: u32, // elements of y in memory
  rank: u32,
  lanes: u32, // positions of y's innermost axis that hold values
  x_rank: u32,
  axes: array<vec4u, 8>, // of y in memory order, outermost first: extent with padding, row-major stride
  x_axes: array<vec4u, 8>, // of x in row-major order: extent, stride in memory
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  var rest = i;
  var number = 0u;
  var is_padding = false;
  for (var k = params.rank; k > 0u; k--) {
    let axis = params.axes[k - 1u];
    var p = rest;
    if (k > 1u) { // the outermost axis needs no division, which is slow on every device
      rest = p / axis.x;
      p -= rest * axis.x;
    }
    if (k == params.rank) {
      is_padding = p >= params.lanes;
    }
    number += p * axis.y;
  }
  if (is_padding) {
    y[i] = 0u;
    return;
  }
  var at = 0u;
  for (var k = params.x_rank; k > 0u; k--) {
    let axis = params.x_axes[k - 1u];
    var p = number;
    if (k > 1u) {
      number = p / axis.x;
      p -= number * axis.x;
    }
    at += p * axis.y;
  }
  y[i] = x[at];
}
