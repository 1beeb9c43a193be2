/** One sample from its files: a photo, its labels, both checked against each other. Runs in the decoding threads. */
import type { Sample } from "../training/sample.js";
import { fileError } from "./errors.js";
import { classesOf, scaledLabels, type LabelImage, type LabelRules } from "./label-map.js";
import { readLabelPng } from "./label-png.js";
import { readMatLabels } from "./mat.js";
import { readBytes, readPhoto, type Photo } from "./photo.js";

/** What a thread is asked for: plain data. */
export interface DecodeJob {
  readonly image: string;
  readonly labels: string;
  readonly rules: LabelRules;
  /** Scale both to this size: the photo by Lanczos, the labels by their nearest pixel. */
  readonly size: readonly [h: number, w: number] | null;
  /** Of .mat files. */
  readonly variable: string | null;
}

/** Rejects with InputError naming the file, and the pixel where it is one. */
export async function decodeSample({ image, labels, rules, size, variable }: DecodeJob): Promise<Sample> {
  const [asItLies, map] = await Promise.all([readPhoto(image, { size }), readLabels(labels, variable)]);
  // Labels of a photo that was looked at upright, where their size says so.
  const photo =
    !fits(asItLies, map) && asItLies.onItsSide && asItLies.fileHeight === map.width && asItLies.fileWidth === map.height
      ? await readPhoto(image, { size, upright: true })
      : asItLies;
  if (!fits(photo, map)) {
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
    labels: size ? scaledLabels(classes, [map.height, map.width], [height, width]) : classes,
  };
}

const fits = ({ fileHeight, fileWidth }: Photo, { height, width }: LabelImage): boolean =>
  fileHeight === height && fileWidth === width;

async function readLabels(file: string, variable: string | null): Promise<LabelImage> {
  const bytes = await readBytes(file);
  return file.toLowerCase().endsWith(".mat") ? readMatLabels(file, bytes, variable) : readLabelPng(file, bytes);
}
