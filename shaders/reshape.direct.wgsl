// y holds x's elements in row-major order under another shape. x, y: any layout, 4-byte elements. Grid: one invocation per element of y in memory.
struct Params {
  count: u32, // elements of y in memory
  rank: u32,
  lanes: u32, // positions of y's innermost axis that hold values
  x_rank: u32,
  dims: array<vec4u, 2>, // extents of y in memory order, padding included
  numbers: array<vec4u, 2>, // row-major strides of y's axes
  x_dims: array<vec4u, 2>, // extents of x in row-major order
  x_strides: array<vec4u, 2>, // in x's memory
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
    let axis = k - 1u;
    let extent = params.dims[axis / 4u][axis % 4u];
    var p = rest;
    if (k > 1u) { // the outermost axis needs no division, which is slow on every device
      rest = p / extent;
      p -= rest * extent;
    }
    if (k == params.rank) {
      is_padding = p >= params.lanes;
    }
    number += p * params.numbers[axis / 4u][axis % 4u];
  }
  if (is_padding) {
    y[i] = 0u;
    return;
  }
  var at = 0u;
  for (var k = params.x_rank; k > 0u; k--) {
    let axis = k - 1u;
    let extent = params.x_dims[axis / 4u][axis % 4u];
    var p = number;
    if (k > 1u) {
      number = p / extent;
      p -= number * extent;
    }
    at += p * params.x_strides[axis / 4u][axis % 4u];
  }
  y[i] = x[at];
}
