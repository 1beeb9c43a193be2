// y = (value - mean) * scale for the red, green, blue bytes of each pixel, or blue, green, red if BGR. rgba: u32 [N, H, W], red in the low byte; y: [N, 3, H, W], one vec4 a pixel. Grid: one invocation per pixel.
struct Params {
  mean: vec4f, // by output channel
  scale: vec4f, // by output channel; the fourth is 0
  pixels: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rgba: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

override WG: u32 = 64;
override BGR: bool = false;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.pixels) {
    return;
  }
  let word = rgba[i];
  let bytes = vec4f(f32(word & 0xffu), f32((word >> 8u) & 0xffu), f32((word >> 16u) & 0xffu), 0.0);
  let value = select(bytes, bytes.zyxw, BGR);
  y[i] = vec4f(((value - params.mean) * params.scale).xyz, 0.0);
}
