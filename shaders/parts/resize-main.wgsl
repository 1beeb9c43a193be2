// The resize of one axis, of f32 or vec4f.
struct Fields {
  span: u32, // end - begin, or up to out_extent where the padding behind the last output is written too
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Value>;
@group(0) @binding(2) var<storage, read_write> y: array<Value>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let inner = index % params.inner;
  let o = params.begin + (index / params.inner) % params.span;
  let outer = index / (params.inner * params.span);
  var value = Value();
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
