/** Images in, labels out: an FCN with its weights on a GPU, for images of any size. */
import { createPainter, surfaceOf, type DrawTarget, type Painter } from "../graph/canvas.js";
import type { Gpu } from "../graph/gpu.js";
import { graph } from "../graph/graph.js";
import { isImageSource, rgbaOf } from "../graph/image-source.js";
import type { Data } from "../graph/inputs.js";
import type { CompileOptions } from "../graph/compile-options.js";
import { imageToTensor, packRgba } from "../kernels/image.js";
import { overlayLabels, packLabels } from "../kernels/label-image.js";
import { argMax } from "../kernels/labels.js";
import { slice } from "../kernels/slice.js";
import { InputError } from "../tensor/errors.js";
import { input, type Tensor } from "../tensor/tensor.js";
import type { Weights } from "../tensor/weights.js";
import { fcnLayers, type FcnOptions } from "./fcn.js";
import { legendOf, MOST_CLASSES, paletteOf, shadedPalette, type LegendEntry } from "./legend.js";
import { openNet, type NetAsked } from "./opened-net.js";
import { segmentationOf, type Segmentation } from "./segmentation.js";
import { trunkOf } from "./trunks.js";

/**
 * Of a file that fcn train or fcn convert wrote the address is enough: it says trunk, variant, classes and the rest; what is given here goes before it. `labels` and
 * `colours` are the classes' names and RGB; `pixels` is what the weights take, where that is not what the trunk's own do: PIXELS.torchvision of
 * fcn-webgpu/weights, another mean. `onProgress` is told of stage "weights" too: bytes fetched.
 */
export interface OpenFcnOptions
  extends NetAsked, Pick<CompileOptions, "onProgress" | "onWarning" | "signal" | "tune" | "precision"> {
  /** The net's weights by name, or the address of a safetensors file with them. */
  readonly weights: Weights | URL;
}

export interface Segmenter extends Disposable {
  /** The classes: from the options, else the weights' file, else PASCAL VOC's for its 21, else numbers; colours VOC's where nothing gives them. */
  readonly legend: readonly LegendEntry[];
  /**
   * Labels of one image. An image (ImageBitmap, ImageData, canvas, video frame) brings its size; RGBA bytes, or pixels packed into a Uint32Array (red
   * in the lowest byte), need `size` or a shape [1, H, W]. One byte a pixel is read back. `scores` asks for the scores too, which take longer. The first image of a
   * size plans memory for it. Throws InputError, OutOfMemoryError, DeviceLostError, DisposedError.
   */
  predict(
    image: Data,
    options?: { readonly size?: readonly [h: number, w: number]; readonly scores?: boolean },
  ): Promise<Segmentation>;
  /**
   * Draws an image under the colours of its labels onto a canvas, on the GPU: nothing is read back. Resolves when it is drawn, so that a loop over video frames
   * keeps pace. A canvas gets the image's size and is configured; a context is taken as its owner configured it, for this `gpu.device`, and the image scaled to it.
   * The device must stay: disposing the Gpu may clear the canvas. Throws as predict does, and InputError for a target that cannot be drawn onto.
   *
   * @example
   * for (;;) await segmenter.draw(video, canvas, { opacity: 0.5 });
   */
  draw(image: Data, target: DrawTarget, options?: DrawOptions): Promise<void>;
}

export interface DrawOptions {
  readonly size?: readonly [h: number, w: number];
  /** RGB triples by label; the legend's by default. A label beyond them leaves the image as it is. */
  readonly palette?: Uint8Array;
  /** Share of the colours over the image, 0 to 1, or one for each class: 0 for a background leaves it as it is. Default 0.6. */
  readonly opacity?: number | readonly number[];
}

/** Where a first plan is made, to compile the kernels: [h, w]. */
const FIRST_SIZE = [64, 64] as const;

const DEFAULT_OPACITY = 0.6;

/**
 * Opens a net for prediction. Throws ShapeError for unknown options and more than 256 classes, InputError where nothing says which net it is, WeightsError where the
 * weights do not fit the net.
 *
 * @example
 * using segmenter = await openFcn(gpu, { trunk: "vgg16", variant: "8s", classes: 21, weights: new URL("fcn8s.safetensors", location.href) });
 * context.putImageData((await segmenter.predict(bitmap)).toImageData(), 0, 0);
 */
export async function openFcn(gpu: Gpu, options: OpenFcnOptions): Promise<Segmenter> {
  const { onProgress, signal } = options;
  const { net, weights } = await openNet(options, options.weights, { onProgress, signal });
  const inputs = { image: input([1, ...FIRST_SIZE], "u32"), palette: input([MOST_CLASSES], "u32") };
  const segmenting = graph(inputs, ({ image, palette }) => {
    const { scores } = fcnLayers(pixelsOf(image, net), net);
    const labels = argMax(scores);
    return { scores, labels: packLabels(labels), drawing: overlayLabels(image, labels, palette) };
  });
  const program = await gpu.compile(segmenting, options);
  let painter: Painter;
  try {
    await program.load(weights);
    painter = await createPainter(gpu.device);
  } catch (error) {
    program[Symbol.dispose]();
    throw error;
  }
  const legend = legendOf(net.classes, net);
  return {
    legend,
    async predict(image, { size, scores = false } = {}) {
      const { data, height, width } = packedPixels("predict", image, size);
      const given = { image: { data, shape: [1, height, width] } };
      const result = await program.run(given, { outputs: scores ? ["labels", "scores"] : ["labels"] });
      const bytes = new Uint8Array(result.labels.buffer, result.labels.byteOffset, height * width);
      const all = scores ? { scores: result.scores as Float32Array } : {};
      return segmentationOf(bytes, { width, height, legend, ...all });
    },
    async draw(image, target, { size, palette = paletteOf(legend), opacity = DEFAULT_OPACITY } = {}) {
      const { data, height, width } = packedPixels("draw", image, size);
      const given = { image: { data, shape: [1, height, width] }, palette: shadedPalette(palette, opacity) };
      const surface = surfaceOf(gpu.device, target);
      await program.runOnGpu(given, {
        outputs: ["drawing"],
        record: (encoder, { drawing }) => painter.paint(encoder, surface, { range: drawing, width, height }),
      });
    },
    [Symbol.dispose]() {
      painter.dispose();
      program[Symbol.dispose]();
    },
  };
}

/** The trunk's input from RGBA pixels; a trunk of one channel (LeNet) takes the first. */
export function pixelsOf(rgba: Tensor, options: Pick<FcnOptions, "trunk"> & Pick<OpenFcnOptions, "pixels">): Tensor {
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

function packedPixels(what: string, image: Data, size: readonly [h: number, w: number] | undefined): PackedPixels {
  if (isImageSource(image)) {
    const rgba = rgbaOf(image);
    if (size && (size[0] !== rgba.height || size[1] !== rgba.width)) {
      throw new InputError(
        `${what}: size is ${size[0]} x ${size[1]} but the image has ${rgba.height} rows and ${rgba.width} columns: leave size out, or scale the image first`,
      );
    }
    return { data: packRgba(rgba), height: rgba.height, width: rgba.width };
  }
  const values = ArrayBuffer.isView(image) ? image : image.data;
  const [height, width] = size ?? (ArrayBuffer.isView(image) ? [] : image.shape.slice(-2));
  if (height === undefined || width === undefined)
    throw new InputError(`${what}: an array does not say its size: pass { size: [h, w] }`);
  if (!(values instanceof Uint8Array || values instanceof Uint32Array)) {
    throw new InputError(
      `${what}: the image is a ${values.constructor.name}: pass an image, RGBA bytes in a Uint8Array or packed pixels in a Uint32Array`,
    );
  }
  const data = values instanceof Uint8Array ? packRgba(values) : values;
  if (data.length !== height * width)
    throw new InputError(
      `${what}: ${data.length} pixels were given but ${height} x ${width} are ${height * width}: pass RGBA, 4 bytes a pixel`,
    );
  return { data, height, width };
}
