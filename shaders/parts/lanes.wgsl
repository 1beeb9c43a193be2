// Which lanes of a pixel's vec4 hold channels; those behind C are padding.
fn held_lanes(c4: u32) -> vec4<bool> {
  return vec4u(4u * c4) + vec4u(0u, 1u, 2u, 3u) < vec4u(params.channels);
}
