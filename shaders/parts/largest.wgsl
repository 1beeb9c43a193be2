// The largest of the values that a window's taps see, in each of four channels, and which tap saw it first. LOWEST of lowest.
struct Largest {
  value: vec4f,
  tap: vec4i, // -1 as long as there is none
}

fn none_yet() -> Largest {
  return Largest(vec4f(LOWEST), vec4i(-1));
}

// A NaN is never the larger one.
fn larger_of(best: Largest, value: vec4f, tap: i32) -> Largest {
  let larger = value > best.value;
  return Largest(select(best.value, value, larger), select(best.tap, vec4i(tap), larger));
}
