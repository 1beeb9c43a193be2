/**
 * What labels of one value per stride x stride cell could reach at best (the paper's appendix A): every cell of the truth gets its most
 * frequent label, the lower one of equals; cells at the right and bottom edge may be smaller.
 */
import { segmentationMetrics, type SegmentationMetrics } from "../src/index.js";

export interface LabelMap {
  /** Row-major, `width` pixels a row; what is not below `classes` counts for nothing. */
  readonly labels: ArrayLike<number>;
  readonly width: number;
}

export function strideBound(
  maps: Iterable<LabelMap>,
  { classes, stride }: { classes: number; stride: number },
): SegmentationMetrics {
  const counts = new Float64Array(classes * classes);
  for (const { labels, width } of maps) {
    const coarse = majorityLabels({ labels, width }, { classes, stride });
    for (let i = 0; i < labels.length; i++) if (labels[i]! < classes) counts[labels[i]! * classes + coarse[i]!]!++;
  }
  return segmentationMetrics(counts);
}

/** Row-major; 0 in a cell in which nothing counts. */
export function majorityLabels(
  { labels, width }: LabelMap,
  { classes, stride }: { classes: number; stride: number },
): Int32Array {
  const height = labels.length / width;
  const result = new Int32Array(labels.length);
  for (let top = 0; top < height; top += stride) {
    for (let left = 0; left < width; left += stride) {
      const cell: number[] = [];
      for (let y = top; y < Math.min(top + stride, height); y++) {
        for (let x = left; x < Math.min(left + stride, width); x++) cell.push(y * width + x);
      }
      const winner = mostFrequent(cell.map((i) => labels[i]!).filter((label) => label < classes));
      for (const i of cell) result[i] = winner;
    }
  }
  return result;
}

function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const v of values) counts.set(v, (counts.get(v) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || a - b)[0]?.[0] ?? 0;
}
