// y = conv2d(x, weight) + bias, or its transpose by stride phases, as a matrix product (pixels by channels, over taps and input channels) through
// workgroup memory: PIXELS by CHANNELS a workgroup, 8 by 8 an invocation, 16 input channels a step; pixels outside x are 0.
// x: [N, H, W, C]; weight: [O, Kh, Kw, C/groups], or of the transpose [C, Kh, Kw, O/groups]; y: [N, I, J, O]; all in vec4s along the last axis.
// Grid: x: pixel tiles, y: channel tiles of a group, z: strips of the sum of each group of each phase; strips lie one behind the other in y.
struct Params {
  // @fields conv-phase
  // @fields conv-pixel
  // @fields conv-epilogue
  // @fields gather-x
  groups: u32,
  strips: u32,
  steps_per_strip: u32, // of 16 input channels under a tap
  y_strip: u32, // vec4s of y from strip to strip
  out_vec4s_per_group: u32,
  in_vec4s_per_group: u32,
  cell_step: vec2u, // rows and columns of x from a cell to the next
  x_step: vec2i, // and from a tap to the next one used; negative in a transpose
  weight_rows: u32, // the weight's first extent
  weight_vec4s: u32, // of a tap
}
// @include conv-bindings

const WG: u32 = 256u; // PIXELS / 8 * CHANNELS / 8
const TRANSPOSED: bool = false;
const PIXELS: u32 = 128u;
const CHANNELS: u32 = 128u;
const X_ROW: u32 = PIXELS / 4u; // vec4s
const W_ROW: u32 = CHANNELS / 4u;

var<workgroup> x_tile: array<vec4f, 16u * X_ROW>; // 16 input channels, pixels along the rows
var<workgroup> w_tile: array<vec4f, 16u * W_ROW>; // 16 input channels, output channels along the rows

// @include conv-phase
// @include conv-pixel
// @include conv-epilogue
// @include gather-x

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group_id: vec3u, @builtin(local_invocation_index) local: u32) {
  let strip = group_id.z % params.strips;
  let group = group_id.z / params.strips % params.groups;
  let phase = phase_of(group_id.z / params.strips / params.groups);
  let taps = taps_of(phase);
  let first_pixel = group_id.x * PIXELS;
  let group_o4 = group_id.y * (CHANNELS / 4u); // within the group

  // What this invocation loads, 4x4 numbers each: 4 pixels of x, and from the other end of the workgroup 4 rows of the weight.
  let loads_x = local < 4u * X_ROW;
  let x_part = (local / (2u * X_ROW) * 2u + local % 2u) % 4u; // vec4 of the 16 channels
  let x_quad = local / 2u % X_ROW;
  let w_item = WG - 1u - local;
  let loads_w = w_item < 4u * W_ROW;
  let w_part = select(w_item / (2u * W_ROW) * 2u + w_item % 2u, w_item / W_ROW, TRANSPOSED) % 4u;
  let w_quad = select(w_item / 2u, w_item, TRANSPOSED) % W_ROW;
  var x_first: array<vec2i, 4>; // row and column under the first tap
  var x_image: array<u32, 4>; // its image's first row
  // @unroll
  for (var l = 0u; l < 4u; l++) {
    let pixel = min(first_pixel + x_quad * 4u + l, params.pixels - 1u);
    let place = place_of(pixel);
    x_first[l] = taps.start + vec2i(place.yz * params.cell_step);
    x_image[l] = place.x * params.in_size.x;
  }
  let row_stride = params.kernel.x * params.kernel.y * params.weight_vec4s;

  var sums: array<array<vec4f, 2>, 8>;
  // A step is 16 input channels under a tap; this strip's are from `step` to `last_step`.
  let count = tap_count(taps);
  let blocks = (params.in_vec4s_per_group + 3u) / 4u;
  var step = strip * params.steps_per_strip;
  let last_step = min(step + params.steps_per_strip, count.x * count.y * blocks);
  var started = false;
  let tn = local % (CHANNELS / 8u);
  let tm = local / (CHANNELS / 8u);
  var x_next: array<vec4f, 4>; // a step's numbers are on their way while those of the step before are multiplied
  var w_next: array<vec4f, 4>;
  loop {
    let loading = step < last_step;
    let c4 = step % blocks * 4u;
    let tap_index = vec2u(step / blocks / max(count.y, 1u), step / blocks % max(count.y, 1u));
    let tap = taps.first + tap_index * params.tap_step;
    if (loading && loads_x) {
      let shift = vec2i(tap_index) * params.x_step;
      let c = c4 + x_part;
      // @unroll
      for (var l = 0u; l < 4u; l++) {
        x_next[l] = gather_x(x_image[l], x_first[l] + shift, group * params.in_vec4s_per_group + c, c < params.in_vec4s_per_group);
      }
    }
    if (loading && loads_w) {
      // Four rows of output channels with lanes along c, or of the transpose channels c with lanes along o.
      let c = c4 + w_part;
      let o = group_o4 + w_quad;
      let first_row = 4u * select(group * params.out_vec4s_per_group + o, group * params.in_vec4s_per_group + c, TRANSPOSED);
      let lane = (tap.x * params.kernel.y + tap.y) * params.weight_vec4s + min(select(c, o, TRANSPOSED), params.weight_vec4s - 1u);
      // @unroll
      for (var l = 0u; l < 4u; l++) {
        w_next[l] = weight[min(first_row + l, params.weight_rows - 1u) * row_stride + lane];
      }
    }
    step++;
    if (started) {
      // @unroll
      for (var k = 0u; k < 16u; k++) {
        let a0 = x_tile[k * X_ROW + tm];
        let a1 = x_tile[k * X_ROW + X_ROW / 2u + tm];
        let b0 = w_tile[k * W_ROW + tn];
        let b1 = w_tile[k * W_ROW + W_ROW / 2u + tn];
        // @include outer-product
      }
    }
    if (!loading) {
      break;
    }
    started = true;
    workgroupBarrier();
    if (loads_x) { // transposed: channels by pixels
      let channels = transpose(mat4x4f(x_next[0u], x_next[1u], x_next[2u], x_next[3u]));
      // @unroll
      for (var l = 0u; l < 4u; l++) {
        x_tile[(x_part * 4u + l) * X_ROW + x_quad] = channels[l];
      }
    }
    if (loads_w) {
      let rows = mat4x4f(w_next[0u], w_next[1u], w_next[2u], w_next[3u]);
      let columns = transpose(rows);
      // @unroll
      for (var l = 0u; l < 4u; l++) {
        w_tile[(w_part * 4u + l) * W_ROW + w_quad] = select(columns[l], rows[l], TRANSPOSED);
      }
    }
    workgroupBarrier();
  }

  // @unroll
  for (var q = 0u; q < 8u; q++) {
    let pixel = output_pixel(place_of(first_pixel + q / 4u * (PIXELS / 2u) + tm * 4u + q % 4u), phase);
    if (pixel != OUTSIDE) {
      // @unroll
      for (var t = 0u; t < 2u; t++) {
        let lane = group_o4 + t * (CHANNELS / 8u) + tn;
        if (lane < params.out_vec4s_per_group) {
          let o4 = group * params.out_vec4s_per_group + lane;
          y[strip * params.y_strip + pixel + o4] = finish(sums[q][t] + bias_of(o4), pixel + o4, o4);
        }
      }
    }
  }
}
