// One axis of a resize by a table of where each output reads (resize-table.ts). x: [outer, in, inner], y: [outer, out, inner].
struct Fields {
  count: u32, // invocations
  inner: u32, // Values behind the axis
  in_extent: u32, // places along the axis of x and y in memory
  out_extent: u32,
  begin: u32, // this dispatch has outputs begin <= o < end
  end: u32,
  table: array<vec4f, 256>, // (left, weight) of two outputs each
}

// (left, weight) of output o.
fn entry(o: u32) -> vec2f {
  let k = o - params.begin;
  let both = params.table[k / 2u];
  return select(both.xy, both.zw, k % 2u == 1u);
}
