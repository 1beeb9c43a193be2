/** Photos by sharp. */
import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { fileError, reasonOf } from "./errors.js";

export async function readBytes(file: string): Promise<Uint8Array> {
  return readFile(file).catch((error: unknown) => {
    throw fileError(file, `it cannot be read (${reasonOf(error)}): check the path`, error);
  });
}

export interface Photo {
  /** Before it was scaled. */
  readonly fileHeight: number;
  readonly fileWidth: number;
  /** Whether the camera lay on its side: what is upright has the file's height for its width. */
  readonly onItsSide: boolean;
  readonly height: number;
  readonly width: number;
  /** RGBA packed into one u32 a pixel, red in the lowest byte, row by row. */
  readonly pixels: Uint32Array;
}

export interface PhotoOptions {
  /** [h, w] to scale to, by Lanczos. Default: as it is. */
  readonly size?: readonly [h: number, w: number] | null;
  /** As it is to be looked at. Default: as it lies in the file, where a rotation by EXIF would part it from its labels. */
  readonly upright?: boolean;
}

/** EXIF's orientations 5 to 8 are those with a quarter turn. */
const FIRST_ON_ITS_SIDE = 5;

/** A photo's pixels: JPEG, PNG, WebP, TIFF, AVIF. Rejects with InputError naming the file. */
export async function readPhoto(file: string, { size = null, upright = false }: PhotoOptions = {}): Promise<Photo> {
  const bytes = await readBytes(file);
  try {
    const opened = sharp(bytes, { failOn: "error" });
    const source = upright ? opened.rotate() : opened;
    const { width, height, orientation = 1 } = await source.metadata();
    const onItsSide = orientation >= FIRST_ON_ITS_SIDE;
    const [fileHeight, fileWidth] = upright && onItsSide ? [width, height] : [height, width];
    const scaled = size ? source.resize({ height: size[0], width: size[1], fit: "fill", kernel: "lanczos3" }) : source;
    const { data, info } = await scaled
      .toColourspace("srgb")
      .removeAlpha()
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const pixels = new Uint32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
    return { fileHeight, fileWidth, onItsSide, height: info.height, width: info.width, pixels };
  } catch (error) {
    throw fileError(file, `it cannot be read as an image (${reasonOf(error)}): use JPEG, PNG, WebP, TIFF or AVIF`, error);
  }
}

/** The photo with no side longer than this: scaled down by Lanczos in its proportions, or itself where it fits. */
export async function photoWithin(photo: Photo, maxSide: number): Promise<Photo> {
  const factor = maxSide / Math.max(photo.width, photo.height);
  if (factor >= 1) return photo;
  const [width, height] = [photo.width, photo.height].map((n) => Math.max(1, Math.round(n * factor))) as [number, number];
  const { buffer, byteOffset, byteLength } = photo.pixels;
  const data = await sharp(new Uint8Array(buffer, byteOffset, byteLength), {
    raw: { width: photo.width, height: photo.height, channels: 4 },
  })
    .resize({ width, height, fit: "fill", kernel: "lanczos3" })
    .raw()
    .toBuffer();
  return { ...photo, width, height, pixels: new Uint32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length)) };
}
