// The epilogue of a convolution on vec4s (ConvEpilogue in conv-geometry.ts).
struct Fields {
  out_channels: u32,
  // Uniforms, not constants: each kernel compiles once, for seconds on software adapters.
  has_bias: u32,
  relu: u32,
  extra: u32, // 0: none, 1: added, 2: y where extra > 0, else 0
}

// Of a pixel's vec4 `o4`.
fn bias_of(o4: u32) -> vec4f {
  if (params.has_bias == 1u) {
    return bias[o4];
  }
  return vec4f(0.0);
}

// What y holds at `at`, which is its pixel's vec4 `o4`, given the sums with the bias; zeros in padding lanes.
fn finish(sums_and_bias: vec4f, at: u32, o4: u32) -> vec4f {
  var result = sums_and_bias;
  var operand = vec4f(0.0); // loaded in one place: software drivers compile each for long
  if (params.extra != 0u) {
    operand = extra[at];
  }
  if (params.extra == 1u) {
    result += operand;
  }
  if (params.relu == 1u) {
    result = max(result, vec4f(0.0));
  }
  if (params.extra == 2u) {
    result = select(vec4f(0.0), result, operand > vec4f(0.0));
  }
  return select(vec4f(0.0), result, vec4u(o4 * 4u) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.out_channels));
}
