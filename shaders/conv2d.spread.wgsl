// y = conv2d(x, weight) + bias, or its transpose by stride phases, at any stride and dilation: conv2d.outer with each weight loaded by one lane of
// a subgroup and spread to the others. PIXELS by VEC4S vec4s of channels per invocation; all invocations of a workgroup share phase and channels.
// x: [N, P, Q, C], padded so that every load is inside; weight: [O, Kh, Kw, C/groups], or of the transpose [C, Kh, Kw, O/groups]; y: [N, I, J, O];
// all in vec4s along the last axis. Grid: x: WG tiles of pixels, y: channel tiles, z: phases.
enable subgroups;

struct Params {
  // @fields conv-phase
  // @fields conv-pixel
  // @fields conv-padded
  // @fields conv-epilogue
  tiles_per_group: u32, // channel tiles
  out_vec4s_per_group: u32,
  in_vec4s_per_group: u32,
  weight_rows: u32, // the weight's first extent
  weight_vec4s: u32, // of a tap
  tile: vec2u, // PIXELS and VEC4S again: loops whose length drivers do not know are not unrolled
}
// @include conv-bindings

override WG: u32 = 8;
const TRANSPOSED: bool = false;
const PIXELS: u32 = 8u;
const VEC4S: u32 = 4u;
const RESULTS: u32 = 32u; // PIXELS * VEC4S
const SUBGROUP: u32 = 8u; // lanes
const LOADS: u32 = 2u; // of a lane: 4 VEC4S / SUBGROUP, rounded up
const ROW_LOADS: u32 = 1u; // of a lane in a transpose: VEC4S / SUBGROUP, rounded up

// @include conv-phase
// @include conv-pixel
// @include conv-padded
// @include conv-epilogue

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) group_id: vec3u, @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) lane: u32,
) {
  let group = group_id.y / params.tiles_per_group;
  let group_o4 = group_id.y % params.tiles_per_group * VEC4S; // within the group
  let o4 = group * params.out_vec4s_per_group + group_o4;
  let first_pixel = (group_id.x * WG + local) * PIXELS;
  let phase = phase_of(group_id.z);

  let taps = taps_of(phase);
  let first_x = x_start(taps) + group * params.in_vec4s_per_group;
  let first_place = place_of(first_pixel);
  var place = first_place;
  var x_pixel: array<u32, PIXELS>;
  // @unroll
  for (var q = 0u; q < PIXELS; q++) {
    x_pixel[q] = first_x + x_offset(place);
    place = next_place(place);
  }

  let row_stride = params.kernel.x * params.kernel.y * params.weight_vec4s;
  let last = params.weight_rows * row_stride - 1u;
  var w_row: array<u32, LOADS>;
  // @unroll
  for (var k = 0u; k < LOADS; k++) {
    w_row[k] = min(o4 * 4u + k * SUBGROUP + lane, params.weight_rows - 1u) * row_stride;
  }

  var sums: array<array<vec4f, VEC4S>, PIXELS>;
  let in_vec4s = params.in_vec4s_per_group;
  var x_row = 0u;
  for (var u = taps.first.x; u < taps.end.x; u += params.tap_step.x) {
    var x_tap = x_row;
    for (var v = taps.first.y; v < taps.end.y; v += params.tap_step.y) {
      let tap = (u * params.kernel.y + v) * params.weight_vec4s;
      for (var c4 = 0u; c4 < in_vec4s; c4++) {
        var p: array<vec4f, PIXELS>;
        // @unroll
        for (var q = 0u; q < PIXELS; q++) {
          p[q] = x[x_pixel[q] + x_tap + c4];
        }
        if (TRANSPOSED) { // a row of the weight for each c (behind C, x is zero), its lanes along the output channels
          // @unroll
          for (var l = 0u; l < 4u; l++) {
            let row = tap + ((group * in_vec4s + c4) * 4u + l) * row_stride + group_o4;
            var loaded: array<vec4f, ROW_LOADS>;
            // @unroll
            for (var k = 0u; k < ROW_LOADS; k++) {
              loaded[k] = weight[min(row + k * SUBGROUP + lane, last)];
            }
            // @unroll
            for (var t = 0u; t < VEC4S; t++) {
              let w = subgroupBroadcast(loaded[t / SUBGROUP], t % SUBGROUP);
              // @unroll
              for (var q = 0u; q < PIXELS; q++) {
                sums[q][t] += p[q][l] * w;
              }
            }
          }
        } else { // a row for each output channel, its lanes along c
          var loaded: array<vec4f, LOADS>;
          // @unroll
          for (var k = 0u; k < LOADS; k++) {
            loaded[k] = weight[w_row[k] + tap + c4];
          }
          // @unroll
          for (var t = 0u; t < VEC4S; t++) {
            // @unroll
            for (var l = 0u; l < 4u; l++) {
              let w = vec4f(
                subgroupBroadcast(loaded[(t * 4u) / SUBGROUP][l], (t * 4u) % SUBGROUP),
                subgroupBroadcast(loaded[(t * 4u + 1u) / SUBGROUP][l], (t * 4u + 1u) % SUBGROUP),
                subgroupBroadcast(loaded[(t * 4u + 2u) / SUBGROUP][l], (t * 4u + 2u) % SUBGROUP),
                subgroupBroadcast(loaded[(t * 4u + 3u) / SUBGROUP][l], (t * 4u + 3u) % SUBGROUP),
              );
              // @unroll
              for (var q = 0u; q < PIXELS; q++) {
                sums[q][t] += p[q][l] * w;
              }
            }
          }
        }
      }
      x_tap += u32(params.x_tap.y);
    }
    x_row += u32(params.x_tap.x);
  }

  // Out in a loop: software drivers compile each store as a site of its own, for up to a second.
  var results: array<vec4f, RESULTS>;
  // @unroll
  for (var q = 0u; q < PIXELS; q++) {
    // @unroll
    for (var t = 0u; t < VEC4S; t++) {
      results[q * VEC4S + t] = sums[q][t];
    }
  }
  place = first_place;
  for (var q = 0u; q < params.tile.x; q++) {
    let pixel = output_pixel(place, phase);
    place = next_place(place);
    for (var t = 0u; t < params.tile.y; t++) {
      if (pixel != OUTSIDE && group_o4 + t < params.out_vec4s_per_group) {
        let at = pixel + o4 + t;
        y[at] = finish(results[q * VEC4S + t] + bias_of(o4 + t), at, o4 + t);
      }
    }
  }
}
