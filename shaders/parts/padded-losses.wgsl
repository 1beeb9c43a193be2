// Losses with channels of their own, padded to whole vec4s.
struct Fields {
  channels: u32, // of the losses where they have rank 4, else 1
  lanes: u32, // channels with padding lanes, else 1
}

// The last channel's invocation clears the padding lanes behind it.
fn clear_padding(at: u32) {
  let lane = at % params.lanes;
  if (lane + 1u == params.channels) {
    for (var pad = params.channels; pad < params.lanes; pad++) {
      losses[at - lane + pad] = 0.0;
    }
  }
}
