// parts = the weight gradient over one strip of dy's pixels. x: [N, H, W, C], dy: [N, I, J, O], parts: [strips, O, Kh, Kw, C/groups], the last
// axis of each padded to 4. Grid: one invocation per element of parts, strips outermost.
struct Params {
  count: u32, // elements of the weight in memory
  strips: u32,
  pixels: u32, // N I J
  pixels_per_strip: u32,
  x_size: vec2u, // H, W
  dy_size: vec2u, // I, J
  kernel: vec2u,
  stride: vec2u,
  pad: vec2u, // top, left
  dilation: vec2u,
  x_pitch: u32, // C padded to 4
  x_per_group: u32,
  dy_pitch: u32, // O padded to 4
  dy_per_group: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> parts: array<f32>;

override WG: u32 = 64;
const BLOCK: u32 = 128u; // pixels summed by themselves: a tree of three levels with the strips

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count * params.strips) {
    return;
  }
  let strip = index / params.count;
  let element = index % params.count;
  let weight_pitch = (params.x_per_group + 3u) / 4u * 4u;
  let c = element % weight_pitch;
  if (c >= params.x_per_group) {
    parts[index] = 0.0; // a padding lane
    return;
  }
  let v = element / weight_pitch % params.kernel.y;
  let u = element / (weight_pitch * params.kernel.y) % params.kernel.x;
  let o = element / (weight_pitch * params.kernel.y * params.kernel.x);
  let x_channel = o / params.dy_per_group * params.x_per_group + c;
  let shift = vec2i(vec2u(u, v) * params.dilation) - vec2i(params.pad);

  let end = min((strip + 1u) * params.pixels_per_strip, params.pixels);
  var result = 0.0;
  for (var start = strip * params.pixels_per_strip; start < end; start += BLOCK) {
    var part = 0.0;
    for (var pixel = start; pixel < min(start + BLOCK, end); pixel++) {
      let j = pixel % params.dy_size.y;
      let i = pixel / params.dy_size.y % params.dy_size.x;
      let n = pixel / (params.dy_size.x * params.dy_size.y);
      let at = vec2i(vec2u(i, j) * params.stride) + shift;
      if (at.x >= 0 && at.y >= 0 && at.x < i32(params.x_size.x) && at.y < i32(params.x_size.y)) {
        let x_pixel = (n * params.x_size.x + u32(at.x)) * params.x_size.y + u32(at.y);
        part += dy[pixel * params.dy_pitch + o] * x[x_pixel * params.x_pitch + x_channel];
      }
    }
    result += part;
  }
  parts[index] = result;
}
