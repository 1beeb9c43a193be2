// What local response normalisation divides by (lrn.ts).
struct Fields {
  count: u32, // vec4s of x
  channels: u32,
  channels_padded: u32,
  before: u32, // channels of the window before its own, and after it
  after: u32,
  alpha_over_size: f32,
  beta: f32,
  bias: f32,
}

// bias + alpha / size * sum of squares over the window of channel c; `pixel` is the element where the pixel's channels begin.
fn base(pixel: u32, c: u32) -> f32 {
  var squares = 0.0;
  let end = min(c + params.after + 1u, params.channels);
  for (var k = max(c, params.before) - params.before; k < end; k++) {
    let value = x[pixel + k];
    squares += value * value;
  }
  return params.bias + params.alpha_over_size * squares;
}
