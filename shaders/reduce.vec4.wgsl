// y[s, k] = sum of x over terms s * strip to (s + 1) * strip of the reduced axis, four neighbours of the innermost kept axis at a time. x, y: vec4s. Grid: one invocation per vec4 of y.
struct Params {
  count: u32, // vec4s of y
  inner: u32, // vec4s of y for each strip
  terms: u32, // extent of the reduced axis
  term_stride: u32, // in vec4s, as all strides here
  strip: u32, // terms that one invocation adds
  rank: u32, // kept axes
  axes: array<vec4u, 8>, // kept axes, outermost first: extent, stride in x
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  let part = i / params.inner;
  var rest = i - part * params.inner;
  var at = 0u;
  for (var k = params.rank; k > 0u; k--) {
    let axis = params.axes[k - 1u];
    var coordinate = rest;
    if (k > 1u) { // the outermost axis needs no division, which is slow on every device
      rest = coordinate / axis.x;
      coordinate -= rest * axis.x;
    }
    at += coordinate * axis.y;
  }
  let first = part * params.strip;
  let last = min(first + params.strip, params.terms);
  var total = vec4f(0.0);
  for (var r = first; r < last; r++) {
    total += x[at + r * params.term_stride];
  }
  y[i] = total;
}
