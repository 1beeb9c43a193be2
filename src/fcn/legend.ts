/** Names and colours of classes: what a weights file says, else PASCAL VOC's. */
import { InputError } from "../tensor/errors.js";
import { vocPalette } from "./palette.js";

/** Classes that labels of one byte tell apart. */
export const MOST_CLASSES = 256;

/** Red, green, blue, 0 to 255. */
export type Rgb = readonly [r: number, g: number, b: number];

export interface LegendEntry {
  /** The index of the class. */
  readonly label: number;
  readonly name: string;
  readonly colour: Rgb;
}

/** What is known of the classes of a net, by index. */
export interface ClassFacts {
  readonly labels?: readonly string[];
  readonly colours?: readonly Rgb[];
}

/** PASCAL VOC's 20 classes behind the background. */
export const VOC_CLASSES: readonly string[] =
  "background aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep sofa train tvmonitor".split(
    " ",
  );

/** Of a file's facts, those that are of so many classes: others are of another net. */
export function classFacts({ labels, colours }: ClassFacts, classes: number): ClassFacts {
  return {
    ...(labels?.length === classes ? { labels } : {}),
    ...(colours?.length === classes ? { colours } : {}),
  };
}

/** An entry a class. Names that nothing gives are VOC's where there are 21, else numbers; colours are VOC's palette. */
export function legendOf(classes: number, { labels, colours }: ClassFacts): readonly LegendEntry[] {
  const names = labels ?? (classes === VOC_CLASSES.length ? VOC_CLASSES : []);
  const palette = vocPalette();
  return Array.from({ length: classes }, (_, label) => ({
    label,
    name: names[label] ?? `class ${label}`,
    colour: colours?.[label] ?? ([...palette.subarray(3 * label, 3 * label + 3)] as unknown as Rgb),
  }));
}

/** RGB triples, one behind the other. */
export function paletteOf(legend: readonly LegendEntry[]): Uint8Array {
  return Uint8Array.from(legend.flatMap(({ colour }) => colour));
}

/** Colours with their shares over an image, as overlayLabels takes them: a word for each label that a byte can be. Throws InputError. */
export function shadedPalette(palette: Uint8Array, opacity: number | readonly number[]): Uint32Array {
  const shares = typeof opacity === "number" ? [opacity] : opacity;
  const wrong = shares.find((share) => !(share >= 0 && share <= 1));
  if (wrong !== undefined) throw new InputError(`draw: opacity is ${wrong}: use 0, the image alone, to 1, the colours alone`);
  if (palette.length % 3 !== 0) throw new InputError(`draw: palette has ${palette.length} bytes: give 3 for each class`);
  return Uint32Array.from({ length: MOST_CLASSES }, (_, label) => {
    // Beyond the palette the image is left as it is.
    if (3 * label >= palette.length) return 0;
    const [r, g, b] = palette.subarray(3 * label, 3 * label + 3);
    const share = typeof opacity === "number" ? opacity : (opacity[label] ?? 0);
    return ((Math.round(255 * share) << 24) | (b! << 16) | (g! << 8) | r!) >>> 0;
  });
}
