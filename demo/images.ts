/** Pictures of scenes and labels: small PNGs for the page, enlarged panels as files. */
import { PNG } from "pngjs";
import type { Size } from "./scenes.js";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** RGB, row by row. */
  readonly rgb: Uint8Array;
}

/** Background and the ten digits: Tableau's ten colours, distinct at small sizes. */
export const PALETTE = [
  [0x18, 0x18, 0x1b],
  [0x4e, 0x79, 0xa7],
  [0xf2, 0x8e, 0x2b],
  [0xe1, 0x57, 0x59],
  [0x76, 0xb7, 0xb2],
  [0x59, 0xa1, 0x4f],
  [0xed, 0xc9, 0x48],
  [0xb0, 0x7a, 0xa1],
  [0xff, 0x9d, 0xa7],
  [0x9c, 0x75, 0x5f],
  [0xba, 0xb0, 0xac],
] as const;

/** Ink as grey. */
export function inkPicture(ink: Float32Array, [height, width]: Size): Picture {
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) rgb.fill(Math.round(255 * ink[i]!), 3 * i, 3 * i + 3);
  return { width, height, rgb };
}

export function labelPicture(labels: Int32Array, [height, width]: Size): Picture {
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) rgb.set(PALETTE[labels[i]!]!, 3 * i);
  return { width, height, rgb };
}

export function encodePng({ width, height, rgb }: Picture): Buffer {
  const png = new PNG({ width, height, colorType: 2 });
  for (let i = 0; i < width * height; i++) png.data.set([...rgb.subarray(3 * i, 3 * i + 3), 255], 4 * i);
  return PNG.sync.write(png);
}

export function pngDataUri(picture: Picture): string {
  return `data:image/png;base64,${encodePng(picture).toString("base64")}`;
}

/** Pictures of one size side by side, each pixel `zoom` pixels wide, on white with a gap of 4. */
export function panel(pictures: readonly Picture[], zoom: number): Picture {
  const gap = 4;
  const [{ width, height }] = pictures as readonly [Picture];
  const total = { width: pictures.length * (zoom * width + gap) + gap, height: zoom * height + 2 * gap };
  const rgb = new Uint8Array(3 * total.width * total.height).fill(255);
  pictures.forEach((picture, n) => {
    const left = gap + n * (zoom * width + gap);
    for (let y = 0; y < zoom * height; y++) {
      for (let x = 0; x < zoom * width; x++) {
        const from = 3 * (Math.floor(y / zoom) * width + Math.floor(x / zoom));
        rgb.set(picture.rgb.subarray(from, from + 3), 3 * ((y + gap) * total.width + left + x));
      }
    }
  });
  return { ...total, rgb };
}
