// y[s, k] = sum of x over terms s * strip to (s + 1) * strip of the reduced axis, added by a tree in workgroup memory. x: any layout, by strides; y: [strips, kept axes in memory order]. Grid: one workgroup per element of y.
struct Params {
  count: u32, // elements of y
  inner: u32, // elements of y for each strip
  terms: u32, // extent of the reduced axis
  term_stride: u32,
  strip: u32, // terms that one workgroup adds
  rank: u32, // kept axes
  lanes: u32, // positions of the innermost kept axis that hold values
  axes: array<vec4u, 8>, // kept axes, outermost first: extent, stride in x
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

override WG: u32 = 64; // a power of two

var<workgroup> sums: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(num_workgroups) groups: vec3u,
) {
  let i = group.y * groups.x + group.x;
  let part = i / params.inner;
  var rest = i - part * params.inner;
  var at = 0u;
  var is_padding = i >= params.count;
  for (var k = params.rank; k > 0u; k--) {
    let axis = params.axes[k - 1u];
    var coordinate = rest;
    if (k > 1u) { // the outermost axis needs no division, which is slow on every device
      rest = coordinate / axis.x;
      coordinate -= rest * axis.x;
    }
    if (k == params.rank && coordinate >= params.lanes) {
      is_padding = true;
    }
    at += coordinate * axis.y;
  }
  var total = 0.0;
  if (!is_padding) {
    let first = part * params.strip;
    let last = min(first + params.strip, params.terms);
    for (var r = first + local; r < last; r += WG) {
      total += x[at + r * params.term_stride];
    }
  }
  sums[local] = total;
  workgroupBarrier();
  for (var width = WG / 2u; width > 0u; width /= 2u) {
    if (local < width) {
      sums[local] += sums[(local + width) % WG]; // the compiler sees that it is inside, and clamps nothing
    }
    workgroupBarrier();
  }
  if (local == 0u && i < params.count) {
    y[i] = sums[0];
  }
}
