import { writeFile } from "node:fs/promises";
import { openFcn, openGpu, type Segmentation } from "fcn-webgpu";
import { readPhoto, writeLabelPng } from "fcn-webgpu/data";

/** The same in Node, from a photo to a palette PNG. Besides fcn-webgpu: `npm install webgpu sharp fast-png`. */
export async function segment(photo: string, weights: URL, png: string): Promise<Segmentation> {
  using gpu = await openGpu({ powerPreference: "high-performance" });
  using segmenter = await openFcn(gpu, { weights });
  const { pixels, height, width } = await readPhoto(photo, { upright: true });
  const result = await segmenter.predict(pixels, { size: [height, width] });
  await writeFile(png, writeLabelPng(result));
  return result;
}
