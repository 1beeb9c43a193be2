// What the plain convolutions share: the extents and operands, one element of memory at a time, and the epilogue.
struct Fields {
  count: u32, // elements of y in memory
  in_size: vec2u, // H, W
  out_size: vec2u, // I, J
  kernel: vec2u,
  stride: vec2u,
  pad: vec2u, // top, left; of a transpose with a crop's offset
  dilation: vec2u,
  in_pitch: u32, // C padded to 4
  in_per_group: u32,
  out_channels: u32,
  out_pitch: u32, // O padded to 4
  out_per_group: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> extra: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;

override WG: u32 = 64;
override HAS_BIAS: bool = false;
override RELU: bool = false;
override EXTRA: u32 = 0; // 0: none, 1: added, 2: y where extra > 0, else 0

// What y holds at `index`, which is of channel `o`.
fn finish(sum: f32, index: u32, o: u32) -> f32 {
  var result = sum;
  if (HAS_BIAS) {
    result += bias[o];
  }
  if (EXTRA == 1u) {
    result += extra[index];
  }
  if (RELU) {
    result = max(result, 0.0);
  }
  if (EXTRA == 2u) {
    result = select(0.0, result, extra[index] > 0.0);
  }
  return result;
}
