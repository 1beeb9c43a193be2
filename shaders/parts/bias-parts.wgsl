// The bias gradient beside the weight gradient: sums of dy over strips of pixels, by invocations behind those of the weight. They lie behind the
// weight's partial sums. A buffer `parts`.
struct Fields {
  strips: u32, // of the weight
  dy_vec4s: u32, // of a pixel
  bias_count: u32, // vec4s: the bias's strips times dy_vec4s; 0 where no bias gradient is wanted
  bias_at: u32, // vec4s of parts before them
  bias_strip: u32, // pixels of a strip
  bias_pixels: u32, // N I J
}

fn sum_bias(index: u32) {
  if (index >= params.bias_count) {
    return;
  }
  let o4 = index % params.dy_vec4s;
  let first = index / params.dy_vec4s * params.bias_strip;
  var total = vec4f(0.0);
  for (var pixel = first; pixel < min(first + params.bias_strip, params.bias_pixels); pixel++) {
    total += dy[pixel * params.dy_vec4s + o4];
  }
  parts[params.bias_at + index] = total;
}
