// dx[k] (+)= sum over outputs o of dy[o] times the weight with which o reads x[k]. dx [outer, in, inner] vec4s, dy [outer, out, inner] vec4s. Grid: one invocation per vec4 of dx.
struct Params {
  count: u32, // vec4s of dx
  inner: u32, // vec4s behind the axis
  in_extent: u32, // places along the axis of x and y in memory
  out_extent: u32,
  begin: u32, // this dispatch has outputs begin <= o < end
  end: u32,
  first: u32, // 1: write, 0: add to what earlier dispatches left
  table: array<vec4f, 256>, // (left, weight) of two outputs each
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;

override WG: u32 = 64;

// (left, weight) of output o.
fn entry(o: u32) -> vec2f {
  let k = o - params.begin;
  let both = params.table[k / 2u];
  return select(both.xy, both.zw, k % 2u == 1u);
}

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
  var total = vec4f(0.0);
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
