// A pixel of a pooled image and the windows that may cover it. Fields of pool-window.
// First window whose last tap reaches padded row `place`.
fn first_window(place: i32, kernel: i32, dilation: i32, stride: i32) -> i32 {
  return (max(place - (kernel - 1) * dilation, 0) + stride - 1) / stride;
}

struct Pixel {
  c4: u32, // vec4 of a pixel
  n: i32,
  // In the padded image.
  row: i32,
  column: i32,
  // Windows down and across. Of a dilated kernel some have no tap here.
  i_begin: i32,
  i_end: i32,
  j_begin: i32,
  j_end: i32,
}

fn pixel_of(index: u32) -> Pixel {
  let place = i32(index / params.channel_vec4s);
  let row = (place / params.in_w) % params.in_h + params.pad_top;
  let column = place % params.in_w + params.pad_left;
  return Pixel(
    index % params.channel_vec4s,
    place / (params.in_w * params.in_h),
    row,
    column,
    first_window(row, params.kernel_h, params.dilation_h, params.stride_h),
    min(row / params.stride_h + 1, params.out_h),
    first_window(column, params.kernel_w, params.dilation_w, params.stride_w),
    min(column / params.stride_w + 1, params.out_w),
  );
}
