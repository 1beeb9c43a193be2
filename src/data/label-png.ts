/** Label images as PNG: the palette's indices, not its colours, which is what most image libraries give. */
import { decode, encode, type DecodedPng } from "fast-png";
import type { Segmentation } from "../fcn/segmentation.js";
import { fileError, reasonOf } from "./errors.js";
import type { LabelImage } from "./label-map.js";

/** Throws InputError where the file is no PNG, or of a kind that holds no labels. */
export function readLabelPng(file: string, bytes: Uint8Array): LabelImage {
  let png: DecodedPng;
  try {
    png = decode(bytes, { checkCrc: true });
  } catch (error) {
    throw fileError(file, `it cannot be read as a PNG (${reasonOf(error)}): label images are PNG or .mat files`, error);
  }
  const { width, height, channels, depth } = png;
  if (channels === 1 && depth === 16) return { width, height, kind: "index", data: bytesOf16(file, png) };
  if (channels === 1) return { width, height, kind: "index", data: unpacked(png) };
  if (depth !== 8) throw fileError(file, `its colours have ${depth} bits: use 8, or indices`);
  if (channels === 3) return { width, height, kind: "colour", data: Uint8Array.from(png.data) };
  if (channels === 4) return { width, height, kind: "colour", data: opaqueColours(file, png) };
  throw fileError(file, `it has grey and alpha: use indices, or colours without alpha`);
}

/** The bytes of a palette PNG of what `segmenter.predict` gives: the label of each pixel as its index, the legend's colours. */
export function writeLabelPng({
  labels,
  width,
  height,
  legend,
}: Pick<Segmentation, "labels" | "width" | "height" | "legend">): Uint8Array {
  const palette = legend.map(({ colour }) => [...colour]);
  return encode({ width, height, data: labels, depth: 8, channels: 1, palette });
}

/** RGB, three bytes a pixel. */
export function writeRgbPng(data: Uint8Array, width: number, height: number): Uint8Array {
  return encode({ width, height, data, depth: 8, channels: 3 });
}

/** Indices of 1, 2 or 4 bits lie several to a byte, each row beginning with one. */
function unpacked({ data, depth, width, height }: DecodedPng): Uint8Array {
  if (depth === 8) return Uint8Array.from(data);
  const out = new Uint8Array(width * height);
  const perByte = 8 / depth;
  const rowBytes = Math.ceil(width / perByte);
  const mask = (1 << depth) - 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = data[y * rowBytes + Math.floor(x / perByte)]!;
      out[y * width + x] = (byte >> (8 - depth * ((x % perByte) + 1))) & mask;
    }
  }
  return out;
}

function bytesOf16(file: string, { data, width }: DecodedPng): Uint8Array {
  const large = data.findIndex((v) => v > 255);
  if (large >= 0)
    throw fileError(
      file,
      `pixel (${large % width}, ${Math.floor(large / width)}) has label ${data[large]}: labels are at most 255`,
    );
  return Uint8Array.from(data);
}

function opaqueColours(file: string, { data, width }: DecodedPng): Uint8Array {
  const out = new Uint8Array((data.length / 4) * 3);
  for (let p = 0; p < data.length / 4; p++) {
    if (data[4 * p + 3] !== 255)
      throw fileError(file, `pixel (${p % width}, ${Math.floor(p / width)}) is not opaque: a label image has no half colours`);
    for (let c = 0; c < 3; c++) out[3 * p + c] = data[4 * p + c]!;
  }
  return out;
}
