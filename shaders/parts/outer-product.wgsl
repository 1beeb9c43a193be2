// Within main: 8 by 8 sums += the 8 rows of a0 and a1 times the 8 columns of b0 and b1.
// @unroll
for (var q = 0u; q < 4u; q++) {
  sums[q][0u] = fma(vec4f(a0[q]), b0, sums[q][0u]);
  sums[q][1u] = fma(vec4f(a0[q]), b1, sums[q][1u]);
  sums[q + 4u][0u] = fma(vec4f(a1[q]), b0, sums[q + 4u][0u]);
  sums[q + 4u][1u] = fma(vec4f(a1[q]), b1, sums[q + 4u][1u]);
}
