// Windows of a row of y, on a grid of x: the row's vec4s, y: rows, z: images. Each has a pixel of the image, and no dilation: a tap beyond the image can
// stand for the window's nearest pixel, which changes no maximum.
struct Fields {
  row_vec4s: u32, // of y
  channel_vec4s: u32, // vec4s per pixel
  in_h: i32,
  in_w: i32,
  out_h: u32,
  stride_h: i32,
  stride_w: i32,
  pad_top: i32,
  pad_left: i32,
}

struct Window {
  c4: u32, // vec4 of a pixel
  top: i32, // of the image, of the first tap; negative in the padding
  left: i32,
}

fn window_of(column: u32, row: u32) -> Window {
  let j = column / params.channel_vec4s;
  return Window(
    column - j * params.channel_vec4s,
    i32(row) * params.stride_h - params.pad_top,
    i32(j) * params.stride_w - params.pad_left,
  );
}
