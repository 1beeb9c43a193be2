/** Images in, labels out: an FCN with its weights on a GPU, for images of any size. */
import type { Gpu } from "../graph/gpu.js";
import { graph } from "../graph/graph.js";
import { isImageSource, rgbaOf } from "../graph/image-source.js";
import type { Data } from "../graph/inputs.js";
import type { CompileOptions } from "../graph/compile-options.js";
import { imageToTensor, packRgba } from "../kernels/image.js";
import { argMax } from "../kernels/labels.js";
import { slice } from "../kernels/slice.js";
import { InputError, ShapeError } from "../tensor/errors.js";
import { input, type Tensor } from "../tensor/tensor.js";
import type { Weights } from "../tensor/weights.js";
import type { Pixels } from "../weights/pixels.js";
import { loadSafetensors } from "../weights/safetensors.js";
import { fcnLayers, type FcnOptions } from "./fcn.js";
import { vocPalette } from "./palette.js";
import { trunkOf } from "./trunks.js";

/** `onProgress` is told of stage "weights" too: bytes fetched. */
export interface OpenFcnOptions
  extends FcnOptions, Pick<CompileOptions, "onProgress" | "onWarning" | "signal" | "tune" | "precision"> {
  /** The net's weights by name, or the address of a safetensors file with them. */
  readonly weights: Weights | URL;
  /** What the weights take, where that is not what the trunk's own do: PIXELS.torchvision of fcn-webgpu/weights, another mean. */
  readonly pixels?: Pixels;
}

export interface Segmenter extends Disposable {
  /**
   * Labels of one image. An image (ImageBitmap, ImageData, canvas, video frame) brings its size; RGBA bytes, or pixels packed into a Uint32Array (red
   * in the lowest byte), need `size` or a shape [1, H, W]. `scores` asks for the scores too, which take longer to read back. The first image of a size plans memory
   * for it. Throws InputError, OutOfMemoryError, DeviceLostError, DisposedError.
   */
  predict(
    image: Data,
    options?: { readonly size?: readonly [h: number, w: number]; readonly scores?: boolean },
  ): Promise<Segmentation>;
}

export interface Segmentation {
  readonly width: number;
  readonly height: number;
  /** Class of each pixel, row by row. */
  readonly labels: Uint8Array;
  /** [classes, height, width], where they were asked for. */
  readonly scores?: Float32Array;
  /**
   * The labels in colour, opaque. `palette`: RGB triples by label, VOC's by default. In Node, where there is no ImageData, a plain object of the same fields.
   * Throws InputError for a label beyond the palette.
   */
  toImageData(palette?: Uint8Array): ImageData;
}

/** Where a first plan is made, to compile the kernels: [h, w]. */
const FIRST_SIZE = [64, 64] as const;

/**
 * Opens a net for prediction. Throws ShapeError for unknown options, WeightsError where the weights do not fit the net.
 *
 * @example
 * using segmenter = await openFcn(gpu, { trunk: "vgg16", variant: "8s", classes: 21, weights: new URL("fcn8s.safetensors", location.href) });
 * context.putImageData((await segmenter.predict(bitmap)).toImageData(), 0, 0);
 */
export async function openFcn(gpu: Gpu, options: OpenFcnOptions): Promise<Segmenter> {
  const { classes, onProgress, signal } = options;
  const { name, crop } = trunkOf(options.trunk);
  if (crop.channels !== 1 && crop.channels !== 3)
    throw new ShapeError(
      `openFcn: trunk ${name} takes ${crop.channels} channels, but an image has 1 or 3: compile fcn(...) and give it tensors yourself`,
    );
  if (classes > 256)
    throw new ShapeError(
      `openFcn: ${classes} classes do not fit into labels of one byte: use at most 256, or compile fcn(...) yourself`,
    );
  const net = graph({ image: input([1, ...FIRST_SIZE], "u32") }, ({ image }) => {
    const { scores } = fcnLayers(pixelsOf(image, options), options);
    return { scores, labels: argMax(scores) };
  });
  const weights =
    options.weights instanceof URL ? (await loadSafetensors(options.weights, { onProgress, signal })).tensors : options.weights;
  const program = await gpu.compile(net, options);
  try {
    await program.load(weights);
  } catch (error) {
    program[Symbol.dispose]();
    throw error;
  }
  return {
    async predict(image, { size, scores = false } = {}) {
      const { data, height, width } = packedPixels(image, size);
      const inputs = { image: { data, shape: [1, height, width] } };
      const result = scores ? await program.run(inputs) : await program.run(inputs, { outputs: ["labels"] });
      const labels = Uint8Array.from(result.labels);
      return {
        width,
        height,
        labels,
        ...("scores" in result ? { scores: result.scores as Float32Array } : {}),
        toImageData: (palette = vocPalette()) => colourise(labels, width, height, palette),
      };
    },
    [Symbol.dispose]: () => program[Symbol.dispose](),
  };
}

/** The trunk's input from RGBA pixels; a trunk of one channel (LeNet) takes the first. */
export function pixelsOf(rgba: Tensor, options: Pick<OpenFcnOptions, "trunk" | "pixels">): Tensor {
  const { pixels: trunks, crop } = trunkOf(options.trunk);
  const { order, mean, scale } = options.pixels ?? trunks;
  type Three = readonly [number, number, number];
  // Their number is checked by the op.
  const image = imageToTensor(rgba, {
    order,
    mean: mean as Three,
    scale: typeof scale === "number" ? scale : (scale as Three),
  });
  const [n, , h, w] = image.shape as readonly [number, number, number, number];
  return crop.channels === 3 ? image : slice(image, { starts: [0, 0, 0, 0], sizes: [n, crop.channels, h, w] });
}

interface PackedPixels {
  readonly data: Uint32Array;
  readonly height: number;
  readonly width: number;
}

function packedPixels(image: Data, size: readonly [h: number, w: number] | undefined): PackedPixels {
  if (isImageSource(image)) {
    const rgba = rgbaOf(image);
    if (size && (size[0] !== rgba.height || size[1] !== rgba.width)) {
      throw new InputError(
        `predict: size is ${size[0]} x ${size[1]} but the image has ${rgba.height} rows and ${rgba.width} columns: leave size out, or scale the image first`,
      );
    }
    return { data: packRgba(rgba), height: rgba.height, width: rgba.width };
  }
  const values = ArrayBuffer.isView(image) ? image : image.data;
  const [height, width] = size ?? (ArrayBuffer.isView(image) ? [] : image.shape.slice(-2));
  if (height === undefined || width === undefined)
    throw new InputError("predict: an array does not say its size: pass { size: [h, w] }");
  if (!(values instanceof Uint8Array || values instanceof Uint32Array)) {
    throw new InputError(
      `predict: the image is a ${values.constructor.name}: pass an image, RGBA bytes in a Uint8Array or packed pixels in a Uint32Array`,
    );
  }
  const data = values instanceof Uint8Array ? packRgba(values) : values;
  if (data.length !== height * width)
    throw new InputError(
      `predict: ${data.length} pixels were given but ${height} x ${width} are ${height * width}: pass RGBA, 4 bytes a pixel`,
    );
  return { data, height, width };
}

function colourise(labels: Uint8Array, width: number, height: number, palette: Uint8Array): ImageData {
  const data = new Uint8ClampedArray(4 * labels.length);
  labels.forEach((label, i) => {
    if (3 * label + 3 > palette.length)
      throw new InputError(
        `toImageData: label ${label} has no colour among the ${Math.floor(palette.length / 3)} of the palette: give 3 bytes for each class`,
      );
    data.set(palette.subarray(3 * label, 3 * label + 3), 4 * i);
    data[4 * i + 3] = 255;
  });
  // In Node a stand-in of the same fields.
  return typeof ImageData === "undefined" ? { data, width, height, colorSpace: "srgb" } : new ImageData(data, width, height);
}
