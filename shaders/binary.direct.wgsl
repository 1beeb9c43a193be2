// y = a OP b with numpy broadcasting. y: any layout, walked in memory order; a, b: any layout, by strides. Grid: one invocation per element of y, padding lanes included (they get 0).
struct Params {
  count: u32, // elements of y in memory
  rank: u32, // axes of the walk
  lanes: u32, // positions of the innermost axis that hold values
  axes: array<vec4u, 8>, // outermost first: extent, stride in a, stride in b
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

override WG: u32 = 64;
override OP: u32 = 0; // 0 add, 1 subtract, 2 multiply, 3 divide, 4 maximum

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  var rest = i;
  var at_a = 0u;
  var at_b = 0u;
  var is_padding = false;
  for (var k = params.rank; k > 0u; k--) {
    let axis = params.axes[k - 1u];
    var coordinate = rest;
    if (k > 1u) { // the outermost axis needs no division, which is slow on every device
      rest = coordinate / axis.x;
      coordinate -= rest * axis.x;
    }
    if (k == params.rank) {
      is_padding = coordinate >= params.lanes;
    }
    at_a += coordinate * axis.y;
    at_b += coordinate * axis.z;
  }
  if (is_padding) {
    y[i] = 0.0;
    return;
  }
  let p = a[at_a];
  let q = b[at_b];
  if (OP == 0u) {
    y[i] = p + q;
  } else if (OP == 1u) {
    y[i] = p - q;
  } else if (OP == 2u) {
    y[i] = p * q;
  } else if (OP == 4u) {
    y[i] = select(q, p, p > q);
  } else {
    // Division by 0 yields 0: neither infinities nor NaNs may appear, for compilers may assume that there are none.
    let is_zero = q == 0.0;
    y[i] = select(p / select(q, 1.0, is_zero), 0.0, is_zero);
  }
}
