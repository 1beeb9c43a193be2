// dw and db = sums over strips of parts, in fixed order. parts: [strips, count] of the weight, then [bias_strips, bias_count] of the bias; dw: [count],
// db: [bias_count]; all in vec4s. Grid: one invocation per vec4 of dw, then of db.
struct Params {
  count: u32, // vec4s of dw
  strips: u32, // at most 256, as bias_strips
  bias_count: u32, // vec4s of db
  bias_strips: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> db: array<vec4f>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count + params.bias_count) {
    return;
  }
  let is_bias = index >= params.count;
  let step = select(params.count, params.bias_count, is_bias);
  let at = select(index, params.count * params.strips + index - params.count, is_bias);
  let end = select(params.strips, params.bias_strips, is_bias);
  var total = vec4f(0.0);
  for (var strip = 0u; strip < end; strip++) {
    total += parts[at + strip * step];
  }
  if (is_bias) {
    db[index - params.count] = total;
  } else {
    dw[index] = total;
  }
}
