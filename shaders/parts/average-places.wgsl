// How many places of a window an average counts. Functions of pool-window.
struct Fields {
  count_top: i32, // taps in rows count_top <= h < count_bottom, columns likewise
  count_left: i32,
  count_bottom: i32,
  count_right: i32,
}

fn rows_at(top: i32) -> i32 {
  let end = end_tap(top, params.count_bottom, params.kernel_h, params.dilation_h);
  return end - first_tap(top, params.count_top, params.dilation_h);
}

fn columns_at(left: i32) -> i32 {
  let end = end_tap(left, params.count_right, params.kernel_w, params.dilation_w);
  return end - first_tap(left, params.count_left, params.dilation_w);
}
