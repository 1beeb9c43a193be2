/**
 * Scenes: a black canvas of 40 to 80 pixels a side with 2 to 5 digits at their own size, inside it; they may overlap. A pixel
 * belongs to a digit where the digit's ink exceeds 0.3 of full, and to the later of two digits. Labels: 0 background, 1 + value the digits.
 */
import type { LabelMap } from "./bounds.js";
import { DIGIT_SIZE, type Digit } from "./digits.js";
import { seededRandom, type Random } from "./random.js";

export const CLASSES = 11;
export const CLASS_NAMES = ["background", ..."0123456789"] as const;
const MIN_SIDE = 40;
const MAX_SIDE = 80;
const INK_THRESHOLD = 0.3;
/** Canvases hold as many digits as have so many pixels each, 2 to 5. */
const PIXELS_PER_DIGIT = 480;
const PLACES_TRIED = 8;

export type Size = readonly [height: number, width: number];

/** Scenes of one size, as a batch that the nets take: image [N, 1, H, W], labels [N, H, W]. */
export interface SceneBatch {
  readonly size: Size;
  readonly count: number;
  readonly image: Float32Array;
  readonly labels: Int32Array;
}

export function drawSize(random: Random, largest = MAX_SIDE): Size {
  return [random(MIN_SIDE, largest), random(MIN_SIDE, largest)];
}

export function composeBatch(digits: readonly Digit[], random: Random, size: Size, count: number): SceneBatch {
  const pixels = size[0] * size[1];
  const image = new Float32Array(count * pixels);
  const labels = new Int32Array(count * pixels);
  for (let n = 0; n < count; n++) {
    composeScene(
      digits,
      random,
      size,
      image.subarray(n * pixels, (n + 1) * pixels),
      labels.subarray(n * pixels, (n + 1) * pixels),
    );
  }
  return { size, count, image, labels };
}

/** `sizes` batches of `perSize` scenes each, every batch of a size of its own. */
export function sceneSet(digits: readonly Digit[], seed: number, stream: string, sizes: number, perSize: number): SceneBatch[] {
  const random = seededRandom(seed, stream);
  return Array.from({ length: sizes }, () => composeBatch(digits, random, drawSize(random), perSize));
}

/** Each scene's labels, as a map of its own. */
export function* labelMapsOf(scenes: readonly SceneBatch[]): Generator<LabelMap, void, void> {
  for (const { size, count, labels } of scenes) {
    const pixels = size[0] * size[1];
    for (let n = 0; n < count; n++) yield { labels: labels.subarray(n * pixels, (n + 1) * pixels), width: size[1] };
  }
}

type Place = readonly [top: number, left: number];

function composeScene(digits: readonly Digit[], random: Random, size: Size, image: Float32Array, labels: Int32Array): void {
  const most = Math.min(5, Math.max(2, Math.floor((size[0] * size[1]) / PIXELS_PER_DIGIT)));
  const count = random(2, most);
  const taken: Place[] = [];
  for (let i = 0; i < count; i++) {
    const digit = digits[random(0, digits.length - 1)]!;
    const place = drawPlace(random, size, taken);
    taken.push(place);
    paste(digit, place, size[1], image, labels);
  }
}

/** Of a few random places the one that overlaps least with the digits that are there. */
function drawPlace(random: Random, [height, width]: Size, taken: readonly Place[]): Place {
  const places = Array.from({ length: PLACES_TRIED }, (): Place => [
    random(0, height - DIGIT_SIZE),
    random(0, width - DIGIT_SIZE),
  ]);
  const shared = places.map((place) => taken.reduce((pixels, other) => pixels + overlap(place, other), 0));
  return places[shared.indexOf(Math.min(...shared))]!;
}

/** Pixels that two digits' squares share. */
function overlap([top, left]: Place, [otherTop, otherLeft]: Place): number {
  return Math.max(0, DIGIT_SIZE - Math.abs(top - otherTop)) * Math.max(0, DIGIT_SIZE - Math.abs(left - otherLeft));
}

function paste(digit: Digit, [top, left]: Place, width: number, image: Float32Array, labels: Int32Array): void {
  for (let y = 0; y < DIGIT_SIZE; y++) {
    for (let x = 0; x < DIGIT_SIZE; x++) {
      const ink = digit.ink[y * DIGIT_SIZE + x]!;
      const at = (top + y) * width + left + x;
      if (ink > INK_THRESHOLD) {
        image[at] = ink;
        labels[at] = 1 + digit.value;
      } else {
        image[at] = Math.max(image[at]!, ink);
      }
    }
  }
}
