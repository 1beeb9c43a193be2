// Rows whose elements lie along several axes (rows.ts).
struct Fields {
  row_dims: vec4u,
  row_strides: vec4u,
  element_dims: vec4u,
  element_strides: vec4u,
  rows: u32,
  count: u32, // elements of a row
}
