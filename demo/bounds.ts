/**
 * What labels of one value per stride x stride cell could reach at best (the paper's appendix A): every cell of the truth gets its most
 * frequent label, the lower one of equals; cells at the right and bottom edge may be smaller.
 */
import { segmentationMetrics, type SegmentationMetrics } from "../src/index.js";
import { CLASSES, type SceneBatch } from "./scenes.js";

export function strideBound(scenes: readonly SceneBatch[], stride: number): SegmentationMetrics {
  const counts = new Float64Array(CLASSES * CLASSES);
  for (const { size, count, labels } of scenes) {
    const pixels = size[0] * size[1];
    for (let n = 0; n < count; n++) {
      const truth = labels.subarray(n * pixels, (n + 1) * pixels);
      const coarse = majorityLabels(truth, size[1], stride);
      truth.forEach((label, i) => counts[label * CLASSES + coarse[i]!]!++);
    }
  }
  return segmentationMetrics(counts);
}

/** `labels` is row-major, `width` pixels a row. */
export function majorityLabels(labels: Int32Array, width: number, stride: number): Int32Array {
  const height = labels.length / width;
  const result = new Int32Array(labels.length);
  for (let top = 0; top < height; top += stride) {
    for (let left = 0; left < width; left += stride) {
      const cell: number[] = [];
      for (let y = top; y < Math.min(top + stride, height); y++) {
        for (let x = left; x < Math.min(left + stride, width); x++) cell.push(y * width + x);
      }
      const winner = mostFrequent(cell.map((i) => labels[i]!));
      for (const i of cell) result[i] = winner;
    }
  }
  return result;
}

function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const v of values) counts.set(v, (counts.get(v) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || a - b)[0]![0];
}
