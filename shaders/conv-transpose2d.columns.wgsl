// y = sum of the columns that fall on it + bias: the second half of a transposed convolution at stride 1 whose
// products of all pixels and taps are there.
// columns: [N, H, W, Kh, Kw, O], y: [N, I, J, O]; both in vec4s along O. Grid: one invocation per vec4 of y, vec4s innermost.
struct Params {
  count: u32, // invocations
  in_size: vec2u, // H, W
  out_size: vec2u, // I, J
  kernel: vec2u,
  pad: vec2u,
  dilation: vec2u,
  vec4s: u32, // of a pixel
  // @fields conv-epilogue
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> columns: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> extra: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;

// @include conv-epilogue

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let o4 = index % params.vec4s;
  let pixel = index / params.vec4s;
  let at = vec2u(pixel / params.out_size.y % params.out_size.x, pixel % params.out_size.y);
  let image = pixel / (params.out_size.x * params.out_size.y);

  var sums = bias_of(o4);
  for (var u = 0u; u < params.kernel.x; u++) {
    let h = at.x + params.pad.x - u * params.dilation.x; // below 0 it wraps, past every row
    if (h >= params.in_size.x) {
      continue;
    }
    for (var v = 0u; v < params.kernel.y; v++) {
      let w = at.y + params.pad.y - v * params.dilation.y;
      if (w < params.in_size.y) {
        let column = (((image * params.in_size.x + h) * params.in_size.y + w) * params.kernel.x + u) * params.kernel.y + v;
        sums += columns[column * params.vec4s + o4];
      }
    }
  }
  y[index] = finish(sums, index, o4);
}
