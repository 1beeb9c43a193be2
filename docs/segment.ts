import { openFcn, openGpu, type Segmentation } from "fcn-webgpu";

/** Labels each pixel of an image on the page's GPU and shows the classes' colours. `weights`: a file of fcn train or fcn convert, which says what net it is of. */
export async function segment(image: ImageBitmap, weights: URL, canvas: HTMLCanvasElement): Promise<Segmentation> {
  using gpu = await openGpu({ powerPreference: "high-performance" });
  using segmenter = await openFcn(gpu, { weights });
  const result = await segmenter.predict(image); // labels: a byte for each pixel
  Object.assign(canvas, { width: result.width, height: result.height });
  canvas.getContext("2d")!.putImageData(result.toImageData(), 0, 0);
  return result; // result.legend: name, colour and pixels of each class
}
