// y = alpha * a b + beta * c, batched, transposed and broadcast by strides. y: any layout, walked in memory order; a, b, c: any layout. Grid: one invocation per element of y, padding lanes included (they get 0).
struct Params {
  count: u32, // elements of y in memory
  rank: u32,
  lanes: u32, // positions of y's innermost axis that hold values
  terms: u32, // K
  a_step: u32, // elements of a between neighbours along K
  b_step: u32,
  alpha: f32,
  beta: f32,
  axes: array<vec4u, 8>, // of y in memory order, outermost first: extent, strides in a, b and c
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> c: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

override WG: u32 = 64;
override HAS_C: bool = false;

// Terms added before they go into the total: long sums keep their last bits.
const STRIP: u32 = 256u;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  var rest = i;
  var at_a = 0u;
  var at_b = 0u;
  var at_c = 0u;
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
    at_a += p * axis.y;
    at_b += p * axis.z;
    at_c += p * axis.w;
  }
  if (is_padding) {
    y[i] = 0.0;
    return;
  }
  var total = 0.0;
  for (var first = 0u; first < params.terms; first += STRIP) {
    let last = min(first + STRIP, params.terms);
    var strip = 0.0;
    for (var k = first; k < last; k++) {
      strip += a[at_a + k * params.a_step] * b[at_b + k * params.b_step];
    }
    total += strip;
  }
  total *= params.alpha;
  if (HAS_C) {
    total += params.beta * c[at_c];
  }
  y[i] = total;
}
