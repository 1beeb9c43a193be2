// y = alpha * a b + beta * c for matrices: y [M, N], a [M, K] (TRANS_A: [K, M]), b [K, N] (TRANS_B: [N, K]) in vec4s along their rows, c by strides. Grid: one invocation per 4 x 4 outputs, tiles of a row of tiles next to each other.
struct Params {
  rows: u32, // M
  columns: u32, // N
  terms: u32, // K
  a_row: u32, // vec4s of a row of a, as it is stored
  b_row: u32,
  c_row_stride: u32, // elements; 0 where c repeats
  c_column_stride: u32,
  alpha: f32,
  beta: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;
@group(0) @binding(3) var<storage, read> c: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

override WG: u32 = 64;
override TRANS_A: bool = false;
override TRANS_B: bool = false;
override HAS_C: bool = false;

// Steps of four terms added before they go into the total: long sums keep their last bits.
const STRIP: u32 = 64u;

// Rows m to m + 3 of a, terms 4 q to 4 q + 3; a row of a a column of the result.
fn block_of_a(m: u32, q: u32) -> mat4x4f {
  if (TRANS_A) {
    let at = 4u * q * params.a_row + m / 4u;
    let is_there = vec3<bool>(4u * q + 1u < params.terms, 4u * q + 2u < params.terms, 4u * q + 3u < params.terms);
    return transpose(mat4x4f(
      a[at],
      select(vec4f(0.0), a[at + params.a_row], is_there.x),
      select(vec4f(0.0), a[at + 2u * params.a_row], is_there.y),
      select(vec4f(0.0), a[at + 3u * params.a_row], is_there.z),
    ));
  }
  let last = params.rows - 1u;
  return mat4x4f(
    a[m * params.a_row + q],
    a[min(m + 1u, last) * params.a_row + q],
    a[min(m + 2u, last) * params.a_row + q],
    a[min(m + 3u, last) * params.a_row + q],
  );
}

// Terms 4 q to 4 q + 3 of b, columns n to n + 3; a term a column of the result.
fn block_of_b(n: u32, q: u32) -> mat4x4f {
  if (TRANS_B) {
    let last = params.columns - 1u;
    return transpose(mat4x4f(
      b[n * params.b_row + q],
      b[min(n + 1u, last) * params.b_row + q],
      b[min(n + 2u, last) * params.b_row + q],
      b[min(n + 3u, last) * params.b_row + q],
    ));
  }
  let at = 4u * q * params.b_row + n / 4u;
  let is_there = vec3<bool>(4u * q + 1u < params.terms, 4u * q + 2u < params.terms, 4u * q + 3u < params.terms);
  return mat4x4f(
    b[at],
    select(vec4f(0.0), b[at + params.b_row], is_there.x),
    select(vec4f(0.0), b[at + 2u * params.b_row], is_there.y),
    select(vec4f(0.0), b[at + 3u * params.b_row], is_there.z),
  );
}

fn store(m: u32, n: u32, sums: vec4f) {
  for (var k = 0u; k < 4u; k++) {
    if (m < params.rows && n + k < params.columns) {
      var value = params.alpha * sums[k];
      if (HAS_C) {
        value += params.beta * c[m * params.c_row_stride + (n + k) * params.c_column_stride];
      }
      y[m * params.columns + n + k] = value;
    }
  }
}

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let tile = id.y * (groups.x * WG) + id.x;
  let tiles = (params.columns + 3u) / 4u;
  let m = 4u * (tile / tiles);
  let n = 4u * (tile % tiles);
  if (m >= params.rows) {
    return;
  }
  let steps = (params.terms + 3u) / 4u;
  var total = array<vec4f, 4>();
  for (var first = 0u; first < steps; first += STRIP) {
    let last = min(first + STRIP, steps);
    var sums = array<vec4f, 4>();
    for (var q = first; q < last; q++) {
      let of_a = block_of_a(m, q);
      let of_b = block_of_b(n, q);
      // @unroll
      for (var row = 0u; row < 4u; row++) {
        sums[row] += of_b * of_a[row];
      }
    }
    // @unroll
    for (var row = 0u; row < 4u; row++) {
      total[row] += sums[row];
    }
  }
  // @unroll
  for (var row = 0u; row < 4u; row++) {
    store(m + row, n, total[row]);
  }
}
