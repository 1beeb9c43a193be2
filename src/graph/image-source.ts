/** Pixels of whatever a browser calls an image. */
import { InputError } from "../tensor/errors.js";

export type ImageSource = ImageBitmap | ImageData | HTMLCanvasElement | OffscreenCanvas | HTMLVideoElement | VideoFrame;

export interface Rgba {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

const SOURCES = ["ImageBitmap", "HTMLCanvasElement", "OffscreenCanvas", "HTMLVideoElement", "VideoFrame"] as const;

function isA(value: unknown, name: string): boolean {
  const type = (globalThis as Record<string, unknown>)[name];
  return typeof type === "function" && value instanceof type;
}

function looksLikeImageData(value: unknown): value is ImageData {
  return typeof value === "object" && value !== null && "width" in value && "height" in value && "data" in value && value.data instanceof Uint8ClampedArray;
}

export function isImageSource(value: unknown): value is ImageSource {
  return looksLikeImageData(value) || SOURCES.some((name) => isA(value, name));
}

/** RGBA bytes, row by row, not premultiplied. Throws InputError for an image without pixels (a closed bitmap, a video that has not loaded). */
export function rgbaOf(source: ImageSource): Rgba {
  if (looksLikeImageData(source)) return source;
  const [width, height] = sizeOf(source);
  if (!(width > 0 && height > 0)) throw new InputError(`the image is ${width} x ${height}: it is closed, or has not loaded yet`);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new InputError("this browser gives no 2D context to read the image with: pass ImageData");
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function sizeOf(source: Exclude<ImageSource, ImageData>): [number, number] {
  if ("displayWidth" in source) return [source.displayWidth, source.displayHeight];
  if ("videoWidth" in source) return [source.videoWidth, source.videoHeight];
  return [source.width, source.height];
}
