// y = convTranspose2d(x, weight) + bias by stride phases: in one phase all output pixels have the same taps. A matrix product in registers, CELLS
// pixels of a phase by VEC4S vec4s of channels, each lane of a subgroup loading one vec4 of the weight for all. x: [N, P, Q, C], padded so that
// every load is inside; weight: [C, Kh, Kw, O]; y: [N, I, J, O]; all in vec4s along the last axis. Grid: tiles of a phase's pixels, phases, tiles
// of channels; a workgroup is one subgroup.
enable subgroups;

struct Params {
  // @fields conv-phase
  // @fields conv-pixel
  // @fields conv-padded
  // @fields conv-epilogue
  tile_cells: u32, // CELLS and VEC4S again: a loop whose length the driver does not know is not unrolled
  tile_vec4s: u32,
  in_vec4s: u32, // of a pixel of x
  last_weight: u32,
}
// @include conv-bindings

override WG: u32 = 4; // invocations of a subgroup
const TRANSPOSED: bool = true;
const CELLS: u32 = 8u;
const LOADED: u32 = 2u; // vec4s that a subgroup loads at once: at most WG
const HALVES: u32 = 1u;
const VEC4S: u32 = 2u; // HALVES times LOADED
const CELLS_BY_VEC4S: u32 = 16u;

// @include conv-phase
// @include conv-pixel
// @include conv-padded
// @include conv-epilogue

@compute @workgroup_size(WG)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) lane_index: u32,
) {
  let first_pixel = id.x * CELLS;
  let o4 = group.z * VEC4S;
  let phase = phase_of(group.y);

  let taps = taps_of(phase);
  let count = tap_count(taps);

  let first_x = x_start(taps);
  let first_place = place_of(first_pixel);
  var place = first_place;
  var x_pixel: array<u32, CELLS>;
  // @unroll
  for (var q = 0u; q < CELLS; q++) {
    x_pixel[q] = first_x + x_offset(place);
    place = next_place(place);
  }

  let weight_row = params.kernel.x * params.kernel.y * params.out_vec4s;
  let own = o4 + min(lane_index, LOADED - 1u);
  var sums: array<array<vec4f, VEC4S>, CELLS>;
  // A uniform costs software drivers a load: none in the loop.
  let in_vec4s = params.in_vec4s;
  let last_weight = params.last_weight;
  let x_tap = vec2u(params.x_tap);
  let w_start = (taps.first.x * params.kernel.y + taps.first.y) * params.out_vec4s + own;
  let w_tap = vec2u(params.tap_step.x * params.kernel.y, params.tap_step.y) * params.out_vec4s;
  // One loop over rows of taps, taps and channels: a masked loop costs software drivers an idle round.
  var u = 0u;
  var v = 0u;
  var c4 = 0u;
  for (var left = count.x * count.y * in_vec4s; left > 0u; left--) {
    let w_at = w_start + u * w_tap.x + v * w_tap.y + 4u * c4 * weight_row;
    let x_at = u * x_tap.x + v * x_tap.y + c4;
    var p: array<vec4f, CELLS>;
    // @unroll
    for (var q = 0u; q < CELLS; q++) {
      p[q] = x[x_pixel[q] + x_at];
    }
    // @unroll
    for (var h = 0u; h < HALVES; h++) {
      // Behind C, x is zero.
      let row0 = weight[min(w_at + h * LOADED, last_weight)];
      let row1 = weight[min(w_at + h * LOADED + weight_row, last_weight)];
      let row2 = weight[min(w_at + h * LOADED + 2u * weight_row, last_weight)];
      let row3 = weight[min(w_at + h * LOADED + 3u * weight_row, last_weight)];
      // @unroll
      for (var t = 0u; t < LOADED; t++) {
        let w0 = subgroupBroadcast(row0, t);
        let w1 = subgroupBroadcast(row1, t);
        let w2 = subgroupBroadcast(row2, t);
        let w3 = subgroupBroadcast(row3, t);
        // @unroll
        for (var q = 0u; q < CELLS; q++) {
          sums[q][h * LOADED + t] += p[q].x * w0 + p[q].y * w1 + p[q].z * w2 + p[q].w * w3;
        }
      }
    }
    c4++;
    let v_next = v + u32(c4 == in_vec4s);
    c4 = select(c4, 0u, c4 == in_vec4s);
    u += u32(v_next == count.y);
    v = select(v_next, 0u, v_next == count.y);
  }

  var held: array<vec4f, CELLS_BY_VEC4S>;
  // @unroll
  for (var q = 0u; q < CELLS; q++) {
    // @unroll
    for (var t = 0u; t < VEC4S; t++) {
      held[q * VEC4S + t] = sums[q][t];
    }
  }
  place = first_place;
  for (var q = 0u; q < params.tile_cells; q++) {
    let pixel = output_pixel(place, phase);
    if (pixel != OUTSIDE) {
      for (var t = 0u; t < params.tile_vec4s; t++) {
        let lane = o4 + t;
        if (lane < params.out_vec4s) {
          y[pixel + lane] = finish(held[q * VEC4S + t] + bias_of(lane), pixel + lane, lane);
        }
      }
    }
    place = next_place(place);
  }
}
