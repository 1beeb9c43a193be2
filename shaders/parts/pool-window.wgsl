// Pooling windows (window.ts), one a vec4 of y.
struct Fields {
  count: u32, // invocations
  channels: u32,
  channel_vec4s: u32, // vec4s per pixel
  in_h: i32,
  in_w: i32,
  out_h: i32,
  out_w: i32,
  kernel_h: i32,
  kernel_w: i32,
  stride_h: i32,
  stride_w: i32,
  pad_top: i32,
  pad_left: i32,
  dilation_h: i32,
  dilation_w: i32,
}

// First tap u >= 0 of a window at `start` with start + u * dilation >= low.
fn first_tap(start: i32, low: i32, dilation: i32) -> i32 {
  return (max(low - start, 0) + dilation - 1) / dilation;
}

// Behind the last tap u < kernel with start + u * dilation < high.
fn end_tap(start: i32, high: i32, kernel: i32, dilation: i32) -> i32 {
  return min(kernel, (max(high - start, 0) + dilation - 1) / dilation);
}

struct Window {
  c4: u32, // vec4 of a pixel
  n: i32,
  top: i32, // of the image, of the first tap; negative in the padding
  left: i32,
  // Taps inside the image, down and across.
  u_begin: i32,
  u_end: i32,
  v_begin: i32,
  v_end: i32,
}

fn window_of(index: u32) -> Window {
  let pixel = i32(index / params.channel_vec4s);
  let top = (pixel / params.out_w) % params.out_h * params.stride_h - params.pad_top;
  let left = pixel % params.out_w * params.stride_w - params.pad_left;
  return Window(
    index % params.channel_vec4s,
    pixel / (params.out_w * params.out_h),
    top,
    left,
    first_tap(top, 0, params.dilation_h),
    end_tap(top, params.in_h, params.kernel_h, params.dilation_h),
    first_tap(left, 0, params.dilation_w),
    end_tap(left, params.in_w, params.kernel_w, params.dilation_w),
  );
}
