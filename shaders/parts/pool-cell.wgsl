// Cells of stride_h x stride_w pixels, each of which holds one window at most: windows are disjoint.
struct Fields {
  count: u32, // vec4s of all cells
  channel_vec4s: u32, // vec4s per pixel
  cells_h: i32,
  cells_w: i32,
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
}

struct Cell {
  c4: u32, // vec4 of a pixel
  n: i32,
  top: i32, // of the image; negative in the padding
  left: i32,
  has_window: bool, // not behind the last one
  at: u32, // the window's vec4 of y
}

fn cell_of(index: u32) -> Cell {
  let c4 = index % params.channel_vec4s;
  let cell = i32(index / params.channel_vec4s);
  let j = cell % params.cells_w;
  let i = (cell / params.cells_w) % params.cells_h;
  let n = cell / (params.cells_w * params.cells_h);
  return Cell(
    c4,
    n,
    i * params.stride_h - params.pad_top,
    j * params.stride_w - params.pad_left,
    i < params.out_h && j < params.out_w,
    u32((n * params.out_h + i) * params.out_w + j) * params.channel_vec4s + c4,
  );
}
