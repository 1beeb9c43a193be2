// Windows of a row of y, on a grid of x: the row's vec4s, y: rows, z: images. Each has a pixel of the image, and no dilation: a tap beyond the image can
// stand for the window's nearest pixel, which changes no maximum. Functions of largest; x: vec4s [N, H, W, C4].
struct Fields {
  channels: u32,
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

const KERNEL_H: u32 = 2u;
const KERNEL_W: u32 = 2u;

struct Window {
  c4: u32, // vec4 of a pixel
  n: i32,
  top: i32, // of the image, of the first tap; negative in the padding
  left: i32,
}

fn window_of(id: vec3u) -> Window {
  let j = id.x / params.channel_vec4s;
  return Window(
    id.x - j * params.channel_vec4s,
    i32(id.z),
    i32(id.y) * params.stride_h - params.pad_top,
    i32(j) * params.stride_w - params.pad_left,
  );
}

fn largest_in(window: Window) -> Largest {
  var best = none_yet();
  // @unroll
  for (var u = 0u; u < KERNEL_H; u++) {
    let h = clamp(window.top + i32(u), 0, params.in_h - 1);
    let row = (window.n * params.in_h + h) * params.in_w;
    // @unroll
    for (var v = 0u; v < KERNEL_W; v++) {
      let w = clamp(window.left + i32(v), 0, params.in_w - 1);
      let value = x[u32(row + w) * params.channel_vec4s + window.c4];
      best = larger_of(best, value, (h - window.top) * i32(KERNEL_W) + w - window.left);
    }
  }
  return best;
}

// Its vec4 of y.
fn place_of(id: vec3u) -> u32 {
  return (id.z * params.out_h + id.y) * params.row_vec4s + id.x;
}
