// y[o] = (1 - w) x[left] + w x[left + 1] along one axis, (left, w) from a table. x [outer, in, inner] vec4s, y [outer, out, inner] vec4s. Grid: one invocation per vec4 of outputs begin .. begin + span.
struct Params {
  count: u32, // vec4s that this dispatch writes
  inner: u32, // vec4s behind the axis
  in_extent: u32, // places along the axis of x and y in memory
  out_extent: u32,
  begin: u32, // this dispatch has outputs begin <= o < end
  end: u32,
  span: u32, // end - begin, or up to out_extent where the padding behind the last output is written too
  table: array<vec4f, 256>, // (left, weight) of two outputs each
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

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
  let o = params.begin + (index / params.inner) % params.span;
  let outer = index / (params.inner * params.span);
  var value = vec4f(0.0);
  if (o < params.end) {
    let source = entry(o);
    let at = (outer * params.in_extent + u32(source.x)) * params.inner + inner;
    value = x[at];
    if (source.y > 0.0) {
      value = (1.0 - source.y) * value + source.y * x[at + params.inner];
    }
  }
  y[(outer * params.out_extent + o) * params.inner + inner] = value;
}
