// y = conv2d(x, weight) + bias, any stride, padding, dilation, groups. x: [N, H, W, C], weight: [O, Kh, Kw, C/groups], y: [N, I, J, O], the
// last axis of each padded to 4. Grid: one invocation per element of y in memory.
struct Params {
  // @fields conv-direct
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
  let weight_pitch = (params.in_per_group + 3u) / 4u * 4u;

  var result = 0.0;
  for (var u = 0u; u < params.kernel.x; u++) {
    let h = i32(i * params.stride.x + u * params.dilation.x) - i32(params.pad.x);
    if (h < 0 || h >= i32(params.in_size.x)) {
      continue;
    }
    for (var v = 0u; v < params.kernel.y; v++) {
      let w = i32(j * params.stride.y + v * params.dilation.y) - i32(params.pad.y);
      if (w < 0 || w >= i32(params.in_size.y)) {
        continue;
      }
      let x_at = ((n * params.in_size.x + u32(h)) * params.in_size.y + u32(w)) * params.in_pitch + first_channel;
      let weight_at = ((o * params.kernel.x + u) * params.kernel.y + v) * weight_pitch;
      var tap = 0.0; // summed tap by tap: a tree of two levels
      for (var c = 0u; c < params.in_per_group; c++) {
        tap += x[x_at + c] * weight[weight_at + c];
      }
      result += tap;
    }
  }
  y[index] = finish(result, index, o);
}
