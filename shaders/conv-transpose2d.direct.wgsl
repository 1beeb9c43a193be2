// y = convTranspose2d(x, weight) + bias, gathered over the taps that exist. x: [N, H, W, C], weight: [C, Kh, Kw, O/groups], y: [N, I, J, O],
// the last axis of each padded to 4. Grid: one invocation per element of y in memory.
struct Params {
  // @fields conv-direct
  tap_step: vec2u, // s / gcd(s, d): from one valid tap to the next
  tap_divisor: vec2u, // gcd(s, d)
  tap_inverse: vec2u, // of d / gcd(s, d), modulo tap_step
}
// @include conv-direct

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let o = index % params.out_pitch;
  if (o >= params.out_channels) {
    y[index] = 0.0; // a padding lane
    return;
  }
  let pixel = index / params.out_pitch;
  let j = pixel % params.out_size.y;
  let i = pixel / params.out_size.y % params.out_size.x;
  let n = pixel / (params.out_size.x * params.out_size.y);
  let first_channel = o / params.out_per_group * params.in_per_group;
  let o_in_group = o % params.out_per_group;
  let weight_pitch = (params.out_per_group + 3u) / 4u * 4u;

  // h s = a - u d for a = i + pad: solvable for u = first + k step where the divisor divides a.
  let a = vec2u(i, j) + params.pad;
  let first = a % params.stride / params.tap_divisor * params.tap_inverse % params.tap_step;
  var result = 0.0;
  if (all(a % params.tap_divisor == vec2u(0u))) {
    for (var u = first.x; u < params.kernel.x && u * params.dilation.x <= a.x; u += params.tap_step.x) {
      let h = (a.x - u * params.dilation.x) / params.stride.x;
      if (h >= params.in_size.x) {
        continue;
      }
      for (var v = first.y; v < params.kernel.y && v * params.dilation.y <= a.y; v += params.tap_step.y) {
        let w = (a.y - v * params.dilation.y) / params.stride.y;
        if (w >= params.in_size.y) {
          continue;
        }
        let x_at = ((n * params.in_size.x + h) * params.in_size.y + w) * params.in_pitch + first_channel;
        let tap_at = (u * params.kernel.y + v) * weight_pitch + o_in_group;
        let channel_stride = params.kernel.x * params.kernel.y * weight_pitch;
        var tap = 0.0; // summed tap by tap: a tree of two levels
        for (var c = 0u; c < params.in_per_group; c++) {
          tap += x[x_at + c] * weight[(first_channel + c) * channel_stride + tap_at];
        }
        result += tap;
      }
    }
  }
  y[index] = finish(result, index, o);
}
