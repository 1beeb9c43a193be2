/** Photos of ../shared/data as the input of a classifier: the middle of the image, scaled to its crop. */
import jpeg from "jpeg-js";
import { readFile } from "node:fs/promises";
import { graph, imageToTensor, input, packRgba, resize, slice } from "../../src/index.js";
import { runReference } from "../../src/reference/index.js";
import type { Pixels } from "../../src/weights/index.js";

/** f32 [1, 3, size, size]: the largest square in the middle, resampled bilinearly. */
export async function photo(path: URL, size: number, { order, mean, scale }: Pixels): Promise<Float32Array> {
  const { data, width, height } = jpeg.decode(await readFile(path), { useTArray: true });
  const side = Math.min(width, height);
  const net = graph({ rgba: input([1, height, width], "u32") }, ({ rgba }) => {
    const pixels = imageToTensor(rgba, { order, mean: mean as [number, number, number], scale: scale as number });
    const [top, left] = [(height - side) >> 1, (width - side) >> 1];
    const square = slice(pixels, { starts: [0, 0, top, left], sizes: [1, 3, side, side] });
    return { image: resize(square, { mode: "linear", size: [size, size] }) };
  });
  return Float32Array.from(runReference(net, new Map(), { rgba: packRgba(data) }).image);
}
