// y = conv2d(x, weight) + bias, or its transpose, at stride 1 and dilation 1: 4x4 pixels by 4 channels per invocation, all sums in registers.
// x: [N, P, Q, C], padded so that every load is inside; weight: [O, Kh, Kw, C/groups], or of the transpose [C, Kh, Kw, O/groups]; y: [N, I, J, O];
// all in vec4s along the last axis. Grid: one invocation per tile and vec4 of output channels, channels innermost.
struct Params {
  count: u32, // invocations
  tiles: vec2u, // of 4x4 pixels, down and across
  out_size: vec2u, // I, J
  // @fields conv-epilogue
  out_vec4s: u32, // of a pixel of y
  out_vec4s_per_group: u32,
  in_vec4s: u32, // of a pixel of x
  in_vec4s_per_group: u32,
  in_row: u32, // vec4s of a row of x
  in_image: u32, // vec4s of an image of x
  kernel_h: u32,
  weight_rows: u32, // the weight's first extent
  weight_vec4s: u32, // of a tap
}
// @include conv-bindings

override WG: u32 = 64;
const TRANSPOSED: bool = false;
const KERNEL_W: u32 = 3u;
const PATCH_W: u32 = 6u; // 4 + KERNEL_W - 1
const LANES: u32 = 4u; // 1 where x has one channel only

// @include conv-epilogue

fn load_x(at: u32) -> vec4f {
  if (LANES == 1u) {
    return vec4f(x[at].x, 0.0, 0.0, 0.0);
  }
  return x[at];
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.y * (groups.x * WG) + id.x;
  if (index >= params.count) {
    return;
  }
  let o4 = index % params.out_vec4s;
  let tile = index / params.out_vec4s;
  let j0 = tile % params.tiles.y * 4u;
  let i0 = tile / params.tiles.y % params.tiles.x * 4u;
  let n = tile / (params.tiles.x * params.tiles.y);
  let group = o4 / params.out_vec4s_per_group;
  let x_tile = n * params.in_image + i0 * params.in_row + j0 * params.in_vec4s + group * params.in_vec4s_per_group;
  let row_stride = params.kernel_h * KERNEL_W * params.weight_vec4s;
  let last_row = params.weight_rows - 1u;

  var sums: array<array<vec4f, 4>, 4>;
  var patch_rows: array<array<vec4f, PATCH_W>, 4>; // rows u to u + 3 of the input patch
  for (var c4 = 0u; c4 < params.in_vec4s_per_group; c4++) {
    var x_at = x_tile + c4;
    // @unroll
    for (var r = 0u; r < 3u; r++) {
      // @unroll
      for (var q = 0u; q < PATCH_W; q++) {
        patch_rows[r + 1u][q] = load_x(x_at + q * params.in_vec4s);
      }
      x_at += params.in_row;
    }
    // Four rows of the weight: output channels with lanes along c, or of the transpose channels c with lanes along o.
    let first_row = select(o4 * 4u, (group * params.in_vec4s_per_group + c4) * 4u, TRANSPOSED);
    let lane = select(c4, o4 - group * params.out_vec4s_per_group, TRANSPOSED);
    let row0 = min(first_row, last_row) * row_stride + lane;
    let row1 = min(first_row + 1u, last_row) * row_stride + lane;
    let row2 = min(first_row + 2u, last_row) * row_stride + lane;
    let row3 = min(first_row + 3u, last_row) * row_stride + lane;
    for (var u = 0u; u < params.kernel_h; u++) {
      // @unroll
      for (var r = 0u; r < 3u; r++) {
        // @unroll
        for (var q = 0u; q < PATCH_W; q++) {
          patch_rows[r][q] = patch_rows[r + 1u][q];
        }
      }
      // @unroll
      for (var q = 0u; q < PATCH_W; q++) {
        patch_rows[3u][q] = load_x(x_at + q * params.in_vec4s);
      }
      x_at += params.in_row;
      // @unroll
      for (var v = 0u; v < KERNEL_W; v++) {
        var tap = (u * KERNEL_W + v) * params.weight_vec4s;
        if (TRANSPOSED) { // taps in reverse order
          tap = ((params.kernel_h - 1u - u) * KERNEL_W + (KERNEL_W - 1u - v)) * params.weight_vec4s;
        }
        let w0 = weight[row0 + tap];
        let w1 = weight[row1 + tap];
        let w2 = weight[row2 + tap];
        let w3 = weight[row3 + tap];
        // @unroll
        for (var i = 0u; i < 4u; i++) {
          // @unroll
          for (var j = 0u; j < 4u; j++) {
            let p = patch_rows[i][v + j];
            if (TRANSPOSED) {
              sums[i][j] += p.x * w0 + p.y * w1 + p.z * w2 + p.w * w3;
            } else if (LANES == 1u) {
              sums[i][j] += p.x * vec4f(w0.x, w1.x, w2.x, w3.x);
            } else {
              sums[i][j] += vec4f(dot(p, w0), dot(p, w1), dot(p, w2), dot(p, w3));
            }
          }
        }
      }
    }
  }

  let added = bias_of(o4);
  // @unroll
  for (var i = 0u; i < 4u; i++) {
    // @unroll
    for (var j = 0u; j < 4u; j++) {
      if (i0 + i < params.out_size.x && j0 + j < params.out_size.y) {
        let at = ((n * params.out_size.x + i0 + i) * params.out_size.y + j0 + j) * params.out_vec4s + o4;
        y[at] = finish(sums[i][j] + added, at, o4);
      }
    }
  }
}
