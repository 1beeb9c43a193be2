// y = x padded with its own border values, axis by axis. x, y: any layout, 4-byte elements. Grid: one invocation per element of y in memory.
struct Params {
  count: u32, // elements of y in memory
  rank: u32,
  lanes: u32, // positions of the innermost axis that hold values
  axes: array<vec4i, 8>, // of y in memory order, outermost first: extent with padding, extent of x, positions before x, stride in x
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

override WG: u32 = 64;
override MODE: u32 = 0; // 0 edge, 1 reflect, 2 symmetric, 3 wrap

// The position of x, of n along the axis, that fills position t, which may lie outside it.
fn source(t: i32, n: i32) -> i32 {
  if (MODE == 0u) {
    return clamp(t, 0, n - 1);
  }
  if (MODE == 1u) {
    let period = max(2 * (n - 1), 1);
    let m = (t % period + period) % period;
    return min(m, period - m);
  }
  if (MODE == 2u) {
    let period = 2 * n;
    let m = (t % period + period) % period;
    return min(m, period - 1 - m);
  }
  return (t % n + n) % n;
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  var rest = i;
  var at = 0u;
  var is_padding = false;
  for (var k = params.rank; k > 0u; k--) {
    let axis = params.axes[k - 1u];
    var p = rest;
    if (k > 1u) { // the outermost axis needs no division, which is slow on every device
      rest = p / u32(axis.x);
      p -= rest * u32(axis.x);
    }
    if (k == params.rank) {
      is_padding = p >= params.lanes;
    }
    at += u32(source(i32(p) - axis.z, axis.y) * axis.w);
  }
  if (is_padding) {
    y[i] = 0u;
  } else {
    y[i] = x[at];
  }
}
