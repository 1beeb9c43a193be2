// The gradient of the resize of one axis, of f32 or vec4f.
struct Fields {
  first: u32, // 1: write, 0: add to what earlier dispatches left
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<Value>;
@group(0) @binding(2) var<storage, read_write> dx: array<Value>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let inner = index % params.inner;
  let k = f32((index / params.inner) % params.in_extent);
  let outer = index / (params.inner * params.in_extent);
  // `left` never decreases: bisect for the first output that reads x[k], be it as its right neighbour.
  var o = params.begin;
  var behind = params.end;
  while (o < behind) {
    let middle = (o + behind) / 2u;
    if (entry(middle).x < k - 1.0) {
      o = middle + 1u;
    } else {
      behind = middle;
    }
  }
  var total = Value();
  for (; o < params.end; o++) {
    let source = entry(o);
    if (source.x > k) {
      break;
    }
    let weight = select(source.y, 1.0 - source.y, source.x == k);
    if (weight > 0.0) {
      total += weight * dy[(outer * params.out_extent + o) * params.inner + inner];
    }
  }
  if (params.first == 0u) {
    total += dx[index];
  }
  dx[index] = total;
}
