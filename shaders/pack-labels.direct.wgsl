// The lowest bytes of four labels in each word, the first label's lowest; behind the last label zeros. labels: i32 [count], row-major; y: u32 [words]. Grid: one invocation per word.
struct Params {
  count: u32, // labels
  words: u32, // a quarter of that, rounded up
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

override WG: u32 = 64;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.words) {
    return;
  }
  var word = 0u;
  for (var k = 0u; k < 4u; k++) {
    if (4u * i + k < params.count) {
      word |= (u32(labels[4u * i + k]) & 0xffu) << (8u * k);
    }
  }
  y[i] = word;
}
