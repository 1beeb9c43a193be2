/** Small photos and label files of every kind that fcn-webgpu/data reads. */
import { deflateSync } from "node:zlib";
import { encode, type IndexedColorBitDepth } from "fast-png";
import sharp from "sharp";
import { vocPalette } from "../../src/index.js";

export const [WIDTH, HEIGHT] = [7, 5];
export const LABELS = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => i % 3);
export const PALETTE = Array.from({ length: 256 }, (_, i) => [...vocPalette().subarray(3 * i, 3 * i + 3)]);

export const photo = (width = WIDTH, height = HEIGHT): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: { r: 10, g: 20, b: 30 } } })
    .png()
    .toBuffer();

/** A palette PNG of so many bits. */
export function indexed(labels: Uint8Array, depth: IndexedColorBitDepth = 8, width = WIDTH): Uint8Array {
  const height = labels.length / width;
  const rowBytes = Math.ceil((width * depth) / 8);
  const data = new Uint8Array(rowBytes * height);
  labels.forEach((label, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    const bit = x * depth;
    data[y * rowBytes + (bit >> 3)]! |= label << (8 - depth - (bit & 7));
  });
  return encode({ width, height, data, depth, channels: 1, palette: PALETTE.slice(0, 2 ** depth) });
}

export const coloured = (colourOf: (label: number) => readonly number[]): Uint8Array =>
  encode({
    width: WIDTH,
    height: HEIGHT,
    channels: 3,
    depth: 8,
    data: Uint8Array.from([...LABELS].flatMap((l) => [...colourOf(l)])),
  });

/** A level-5 file with a struct, as SBD's: { Boundaries, Segmentation, CategoriesPresent }. */
export function mat(labels: Uint8Array, { compressed = true, variable = "GTcls", field = "Segmentation" } = {}): Uint8Array {
  const pad = (bytes: Uint8Array, to = 8): Uint8Array => Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)]);
  const element = (type: number, data: Uint8Array): Uint8Array => {
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(type, 0);
    tag.writeUInt32LE(data.length, 4);
    return Buffer.concat([tag, pad(data)]);
  };
  const words = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);
  const matrix = (matrixClass: number, dims: number[], name: string, ...rest: Uint8Array[]): Uint8Array =>
    element(
      14,
      Buffer.concat([element(6, words(matrixClass, 0)), element(5, words(...dims)), element(1, Buffer.from(name)), ...rest]),
    );
  const byColumn = Uint8Array.from({ length: labels.length }, (_, i) => labels[(i % HEIGHT) * WIDTH + Math.floor(i / HEIGHT)]!);
  const names = ["Boundaries", field, "CategoriesPresent"];
  // The length of names is a small element: its data in the tag.
  const width = Buffer.from([5, 0, 4, 0, 32, 0, 0, 0]);
  const struct = matrix(
    2,
    [1, 1],
    variable,
    width,
    element(1, Buffer.concat(names.map((n) => Buffer.concat([Buffer.from(n), Buffer.alloc(32 - n.length)])))),
    matrix(1, [1, 1], ""),
    matrix(9, [HEIGHT, WIDTH], "", element(2, byColumn)),
    matrix(6, [2, 1], "", element(2, Uint8Array.of(1, 2))),
  );
  const head = Buffer.alloc(128, " ");
  head.write("MATLAB 5.0 MAT-file");
  head.writeUInt16LE(0x0100, 124);
  head.write("IM", 126);
  const deflated = deflateSync(struct);
  const tag = Buffer.alloc(8);
  tag.writeUInt32LE(15, 0);
  tag.writeUInt32LE(deflated.length, 4);
  return Buffer.concat([head, compressed ? Buffer.concat([tag, deflated]) : struct]);
}
