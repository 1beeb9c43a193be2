// y = A^T m A + bias for each tile m of 6x6 points, of Winograd's F(4x4, 3x3), as conv2d.winograd-output computes it.
// One channel at a time: a quarter of the code, which software drivers compile for longer than they run it.
// m: [N tiles, 36, O]; y: [N, I, J, O], O padded to 4. Grid: one invocation per tile and channel, channels innermost.
alias Value = f32;
struct Params {
  // @fields conv-epilogue
  // @fields winograd-output
}
// @include winograd-output

// The epilogue of parts/conv-epilogue.wgsl, of one channel.
fn bias_of(o: u32) -> f32 {
  if (params.has_bias == 1u) {
    return bias[o];
  }
  return 0.0;
}

fn finish(sum_and_bias: f32, at: u32, o: u32) -> f32 {
  var result = sum_and_bias;
  var operand = 0.0;
  if (params.extra != 0u) {
    operand = extra[at];
  }
  if (params.extra == 1u) {
    result += operand;
  }
  if (params.relu == 1u) {
    result = max(result, 0.0);
  }
  if (params.extra == 2u) {
    result = select(0.0, result, operand > 0.0);
  }
  return select(0.0, result, o < params.out_channels);
}
