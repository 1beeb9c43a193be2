// What a pixel counts by its label. A field `classes` and a buffer `weights` too.
struct Fields {
  ignore_index: i32,
}

override HAS_IGNORE: bool = false;
override HAS_WEIGHTS: bool = false;

// Weight of a label: 0 where it is ignored or none of the classes, so that nothing is read out of bounds.
fn weight_of(label: i32) -> f32 {
  if (label < 0 || label >= i32(params.classes) || (HAS_IGNORE && label == params.ignore_index)) {
    return 0.0;
  }
  if (HAS_WEIGHTS) {
    return weights[label];
  }
  return 1.0;
}
