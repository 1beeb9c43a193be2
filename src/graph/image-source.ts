/** Pixels of whatever a browser calls an image. */
import { InputError } from "../tensor/errors.js";

export type ImageSource = ImageBitmap | ImageData | HTMLCanvasElement | OffscreenCanvas | HTMLVideoElement | VideoFrame;

export interface Rgba {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** Global constructors; there are none of them in Node. */
const SOURCES = ["ImageBitmap", "HTMLCanvasElement", "OffscreenCanvas", "HTMLVideoElement", "VideoFrame"] as const;

function isA(value: unknown, name: string): boolean {
  const type = (globalThis as Record<string, unknown>)[name];
  return typeof type === "function" && value instanceof type;
}

function looksLikeImageData(value: unknown): value is ImageData {
  return (
    typeof value === "object" &&
    value !== null &&
    "width" in value &&
    "height" in value &&
    "data" in value &&
    value.data instanceof Uint8ClampedArray
  );
}

export function isImageSource(value: unknown): value is ImageSource {
  return looksLikeImageData(value) || SOURCES.some((name) => isA(value, name));
}

/**
 * RGBA bytes, row by row, not premultiplied; a view of an ImageData's own. Errors call the image `what`. Throws InputError for an image without pixels (a
 * closed bitmap or frame, a detached ImageData, a video that has no frame yet) and for one from another origin, whose pixels the browser keeps back.
 */
export function rgbaOf(source: ImageSource, what = "the image"): Rgba {
  const [width, height] = sizeOf(source);
  const kind = SOURCES.find((name) => isA(source, name)) ?? "ImageData";
  if (!(width > 0 && height > 0))
    throw new InputError(`${what}: the ${kind} is ${width} x ${height}: it is closed, or has not loaded yet`);
  if (looksLikeImageData(source)) {
    if (source.data.length === 4 * width * height) return source;
    throw new InputError(
      `${what}: the ImageData is ${width} x ${height} but holds ${source.data.length} bytes: its buffer was transferred away, or is not RGBA`,
    );
  }
  if ("readyState" in source && source.readyState < HAVE_CURRENT_DATA) {
    throw new InputError(
      `${what}: the ${kind} has no frame yet (readyState ${source.readyState}): wait for its "loadeddata" event`,
    );
  }
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new InputError(`${what}: this browser gives no 2D context to read the ${kind} with: pass ImageData`);
  context.drawImage(source, 0, 0, width, height);
  try {
    return context.getImageData(0, 0, width, height);
  } catch (error) {
    throw new InputError(
      `${what}: the browser keeps the pixels of the ${kind} back (${String(error)}): load it from this origin, or with crossOrigin set`,
    );
  }
}

/** HTMLMediaElement's: there is a frame to draw. */
const HAVE_CURRENT_DATA = 2;

/** In pixels, as displayed. */
function sizeOf(source: ImageSource): [number, number] {
  if ("displayWidth" in source) return [source.displayWidth, source.displayHeight];
  if ("videoWidth" in source) return [source.videoWidth, source.videoHeight];
  return [source.width, source.height];
}
