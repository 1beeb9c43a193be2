// The pixels of a loss and where their classes and values lie.
struct Fields {
  row_dims: vec4u, // the pixels
  row_strides: vec4u, // of the pixels in the logits, or what stands for them
  value_strides: vec4u, // of the pixels in labels and losses
  rows: u32, // pixels
  classes: u32,
  class_stride: u32, // in elements of them
}
