// y = c0 x0 + c1 x1 + c2 x2 + c3 x3 (+ y where ACCUMULATE). All: vec4s of one layout, padding lanes included. Grid: one invocation per vec4.
struct Params {
  count: u32, // vec4s
  coefficients: vec4f,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x0: array<vec4f>;
@group(0) @binding(2) var<storage, read> x1: array<vec4f>;
@group(0) @binding(3) var<storage, read> x2: array<vec4f>;
@group(0) @binding(4) var<storage, read> x3: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;
override TERMS: u32 = 4; // operands present, 1 to 4
override ACCUMULATE: bool = false;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  var total = params.coefficients.x * x0[i];
  if (TERMS > 1u) {
    total += params.coefficients.y * x1[i];
  }
  if (TERMS > 2u) {
    total += params.coefficients.z * x2[i];
  }
  if (TERMS > 3u) {
    total += params.coefficients.w * x3[i];
  }
  if (ACCUMULATE) {
    total += y[i];
  }
  y[i] = total;
}
