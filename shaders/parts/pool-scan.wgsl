// The maximum of a window, tap by tap, row by row. Functions of pool-window and largest; x: vec4s [N, H, W, C4].
fn largest_in(window: Window) -> Largest {
  var best = none_yet();
  for (var u = window.u_begin; u < window.u_end; u++) {
    let row = (window.n * params.in_h + window.top + u * params.dilation_h) * params.in_w + window.left;
    for (var v = window.v_begin; v < window.v_end; v++) {
      let value = x[u32(row + v * params.dilation_w) * params.channel_vec4s + window.c4];
      best = larger_of(best, value, u * params.kernel_w + v);
    }
  }
  return best;
}
