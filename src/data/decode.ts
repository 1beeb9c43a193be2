/** One sample from its files: a photo by sharp, its labels, both checked against each other. Runs in the decoding threads. */
import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { VOID, type Sample } from "../training/sample.js";
import { fileError, reasonOf } from "./errors.js";
import { classesOf, type LabelImage, type LabelRules } from "./label-map.js";
import { readLabelPng } from "./label-png.js";
import { readMatLabels } from "./mat.js";

/** What a thread is asked for: plain data. */
export interface DecodeJob {
  readonly image: string;
  readonly labels: string;
  readonly rules: LabelRules;
  /** Scale both to this size: the photo by Lanczos, the labels by their nearest pixel. */
  readonly size: readonly [h: number, w: number] | null;
}

/** Rejects with InputError naming the file, and the pixel where it is one. */
export async function decodeSample({ image, labels, rules, size }: DecodeJob): Promise<Sample> {
  const [photo, map] = await Promise.all([readPhoto(image, size), readLabels(labels)]);
  if (photo.fileWidth !== map.width || photo.fileHeight !== map.height) {
    throw fileError(
      labels,
      `the labels are ${map.width} x ${map.height} but ${image} is ${photo.fileWidth} x ${photo.fileHeight}: each pixel needs one label`,
    );
  }
  const classes = classesOf(labels, map, rules);
  const { height, width, pixels } = photo;
  return {
    name: image,
    height,
    width,
    pixels,
    labels: size ? nearest(classes, map.height, map.width, height, width) : classes,
  };
}

async function readBytes(file: string): Promise<Uint8Array> {
  return readFile(file).catch((error: unknown) => {
    throw fileError(file, `it cannot be read (${reasonOf(error)}): check the path`, error);
  });
}

async function readLabels(file: string): Promise<LabelImage> {
  const bytes = await readBytes(file);
  return file.toLowerCase().endsWith(".mat") ? readMatLabels(file, bytes) : readLabelPng(file, bytes);
}

interface Photo {
  /** As the file has it. */
  readonly fileHeight: number;
  readonly fileWidth: number;
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint32Array;
}

/** As it lies in the file: a rotation by EXIF would part it from its labels. */
async function readPhoto(file: string, size: DecodeJob["size"]): Promise<Photo> {
  const bytes = await readBytes(file);
  try {
    const source = sharp(bytes, { failOn: "error" });
    const { width: fileWidth, height: fileHeight } = await source.metadata();
    const scaled = size ? source.resize({ height: size[0], width: size[1], fit: "fill", kernel: "lanczos3" }) : source;
    const { data, info } = await scaled
      .toColourspace("srgb")
      .removeAlpha()
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const pixels = new Uint32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
    return { fileHeight, fileWidth, height: info.height, width: info.width, pixels };
  } catch (error) {
    throw fileError(file, `it cannot be read as an image (${reasonOf(error)}): use JPEG, PNG, WebP, TIFF or AVIF`, error);
  }
}

/** The label under the centre of each pixel of the scaled image. */
function nearest(labels: Uint8Array, height: number, width: number, toHeight: number, toWidth: number): Uint8Array {
  const out = new Uint8Array(toHeight * toWidth).fill(VOID);
  for (let y = 0; y < toHeight; y++) {
    const row = Math.floor(((y + 0.5) * height) / toHeight) * width;
    for (let x = 0; x < toWidth; x++) out[y * toWidth + x] = labels[row + Math.floor(((x + 0.5) * width) / toWidth)]!;
  }
  return out;
}
