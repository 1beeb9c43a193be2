// y = a OP b without broadcasting. a, b, y: vec4s of one layout, padding lanes included (0 OP 0 is 0). Grid: one invocation per vec4.
struct Params {
  count: u32, // vec4s
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;
override OP: u32 = 0; // 0 add, 1 subtract, 2 multiply, 3 divide, 4 maximum

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  let p = a[i];
  let q = b[i];
  if (OP == 0u) {
    y[i] = p + q;
  } else if (OP == 1u) {
    y[i] = p - q;
  } else if (OP == 2u) {
    y[i] = p * q;
  } else if (OP == 4u) {
    y[i] = select(q, p, p > q);
  } else {
    let is_zero = q == vec4f(0.0);
    y[i] = select(p / select(q, vec4f(1.0), is_zero), vec4f(0.0), is_zero);
  }
}
