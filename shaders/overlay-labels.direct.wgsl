// Each pixel mixed with the colour of its label, by the share in the colour's highest byte; opaque. rgba: u32 [pixels], red in the lowest byte; labels: i32 [pixels]; palette: u32 [colours]; y: u32 [pixels]. Grid: one invocation per pixel.
struct Params {
  pixels: u32,
  colours: u32, // a label beyond them leaves the pixel as it is
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rgba: array<u32>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> palette: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<u32>;

override WG: u32 = 64;

fn bytes_of(word: u32) -> vec3u {
  return vec3u(word, word >> 8u, word >> 16u) & vec3u(0xffu);
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.pixels) {
    return;
  }
  // A negative label is large as u32.
  let label = u32(labels[i]);
  var colour = 0u;
  if (label < params.colours) {
    colour = palette[label];
  }
  let share = colour >> 24u;
  // 127: half of the divisor, so that the quotient is the nearest integer.
  let mixed = (bytes_of(rgba[i]) * (255u - share) + bytes_of(colour) * share + 127u) / 255u;
  y[i] = mixed.x | (mixed.y << 8u) | (mixed.z << 16u) | 0xff000000u;
}
