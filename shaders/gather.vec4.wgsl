// Moves vec4s without looking at them, as gather.direct does: along each axis of y, position p takes x at (p * mul + shift) / div where that is a whole number in [0, extent), else the fill value. The innermost axis counts vec4s. Grid: one invocation per vec4 of the region of y.
struct Params {
  count: u32, // vec4s of the region
  rank: u32,
  fill: u32, // bits
  base: u32, // first vec4 of the region in y
  axes: array<vec4u, 8>, // of the region, outermost first: extent, stride in y, stride in x
  moves: array<vec4i, 8>, // along the same axes: mul, shift, div (positive), extent of x
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4u>;

override WG: u32 = 64;
override STEPPED: bool = true; // false: all muls and divs are 1

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  var rest = i;
  var at_x = 0u;
  var at_y = params.base;
  var is_inside = true;
  for (var k = params.rank; k > 0u; k--) {
    let axis = params.axes[k - 1u];
    let from_x = params.moves[k - 1u];
    var p = rest;
    if (k > 1u) { // the outermost axis needs no division, which is slow on every device
      rest = p / axis.x;
      p -= rest * axis.x;
    }
    at_y += p * axis.y;
    var q = i32(p);
    if (STEPPED) {
      let t = q * from_x.x + from_x.y;
      q = t / from_x.z;
      is_inside = is_inside && t >= 0 && q * from_x.z == t;
    } else {
      q += from_x.y;
    }
    is_inside = is_inside && q >= 0 && q < from_x.w;
    at_x += u32(q) * axis.z;
  }
  var value = vec4u(params.fill);
  if (is_inside) {
    value = x[at_x];
  }
  y[at_y] = value;
}
