// dx[p] = sum of dy over the positions that border padding of one axis fills from p. dy, dx: [outer, rows, inner] in memory order. Grid: one invocation per element of dx in memory.
struct Params {
  count: u32, // elements of dx in memory
  inner: u32, // elements in memory between neighbours along the axis
  dx_extent: i32,
  dx_rows: u32, // extent in memory, padding lanes included
  dy_extent: i32,
  dy_rows: u32,
  begin: i32, // positions of dy before dx
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;

override WG: u32 = 64;
override MODE: u32 = 0; // 0 edge, 1 reflect, 2 symmetric, 3 wrap

// Sum of dy at first + k * period, all k that stay inside; `base` is the element of position 0.
fn periodic(base: u32, first: i32, period: i32) -> f32 {
  var total = 0.0;
  for (var j = (first % period + period) % period; j < params.dy_extent; j += period) {
    total += dy[base + u32(j) * params.inner];
  }
  return total;
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.y * (groups.x * WG) + id.x;
  if (i >= params.count) {
    return;
  }
  let row = i / params.inner;
  let p = i32(row % params.dx_rows);
  let base = (row / params.dx_rows) * params.dy_rows * params.inner + i % params.inner;
  let n = params.dx_extent;
  let at = p + params.begin;
  var total = 0.0;
  if (p < n) {
    if (MODE == 0u) {
      let last = select(at, params.dy_extent - 1, p == n - 1);
      for (var j = select(at, 0, p == 0); j <= last; j++) {
        total += dy[base + u32(j) * params.inner];
      }
    } else if (MODE == 1u) {
      let period = max(2 * (n - 1), 1);
      total = periodic(base, at, period);
      if (p > 0 && p < n - 1) {
        total += periodic(base, params.begin - p, period);
      }
    } else if (MODE == 2u) {
      total = periodic(base, at, 2 * n) + periodic(base, params.begin - 1 - p, 2 * n);
    } else {
      total = periodic(base, at, n);
    }
  }
  dx[i] = total;
}
