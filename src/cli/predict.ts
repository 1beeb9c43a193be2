/** `fcn predict`: photos in, label images, overlays and a legend out. */
import { join } from "node:path";
import { Command, Option } from "commander";
import { scaledLabels } from "../data/label-map.js";
import type { Photo } from "../data/photo.js";
import { classFacts, legendOf, paletteOf } from "../fcn/legend.js";
import { segmentationOf, type Segmentation } from "../fcn/segmentation.js";
import { openFcn, type Segmenter } from "../fcn/segmenter.js";
import { InputError } from "../tensor/errors.js";
import type { Pixels } from "../weights/pixels.js";
import { describeError } from "./errors.js";
import { duration, type Io } from "./io.js";
import { classFactsOf, classListText, legendPage } from "./legend.js";
import {
  addNetOptions,
  addPixelsOption,
  addPrecisionOption,
  given,
  netOf,
  positiveInteger,
  shareOf,
  type NetFlags,
} from "./options.js";
import { expectSameTexts, jobsOf, plannedOf, type Existing } from "./photo-jobs.js";
import { readWeightsFile } from "./weights-file.js";

interface PredictFlags extends NetFlags, Existing {
  readonly weights: string;
  readonly out: string;
  readonly classList?: string;
  readonly pixels?: Pixels;
  readonly precision: "f32" | "f16";
  readonly opacity: number;
  readonly overlay: boolean;
  readonly maxSide?: number;
}

export function predictCommand(io: Io): Command {
  const command = new Command("predict")
    .summary("label the pixels of photos")
    .description(
      "Labels each pixel of each photo. Writes, into --out: NAME.labels.png (a palette PNG whose indices are the classes), NAME.overlay.png (the photo under the classes' colours), legend.html and classes.txt (names and colours). Which net the weights belong to is read from the file where it says so (those that fcn train and fcn convert write do), else given by options.",
    )
    .argument("<photos...>", "photos (JPEG, PNG, WebP, TIFF, AVIF), or folders of them")
    .requiredOption("--weights <file>", "weights: .safetensors, .caffemodel, .onnx, or a manifest's .json")
    .requiredOption("--out <folder>", "where to write; made where it is not there");
  return addPrecisionOption(addPixelsOption(addNetOptions(command)), "f16")
    .option("--class-list <file>", "names (and colours) of the classes, a line each, as a data set's classes.txt")
    .option("--opacity <share>", "of the colours over the photo, 0 to 1", shareOf, 0.6)
    .option("--no-overlay", "write label images only")
    .option("--max-side <pixels>", "label larger photos scaled down to this, their labels scaled back up", positiveInteger)
    .addOption(new Option("--only-new", "pass over photos whose results are there already").default(false).conflicts("force"))
    .option("--force", "replace results that are there already", false)
    .addHelpText(
      "after",
      `
Examples:
  fcn predict cat.jpg --weights runs/voc/8s.safetensors --out labelled
  fcn predict photos/ --weights fcn8s-heavy-pascal.caffemodel --trunk vgg16 --variant 8s --classes 21 --out labelled
  fcn predict road.png --weights camvid.safetensors --class-list camvid/classes.txt --opacity 0.4 --out labelled
  fcn predict holiday/ --weights runs/voc/8s.safetensors --max-side 1000 --only-new --out labelled`,
    )
    .action((photos: string[], flags: PredictFlags) => predict(io, photos, flags));
}

async function predict(io: Io, photos: readonly string[], flags: PredictFlags): Promise<void> {
  const { weights: file, out, classList, opacity, overlay, maxSide, pixels: asked, precision, ...net } = flags;
  const all = await jobsOf(photos, out);
  const { jobs, replaced, kept } = await plannedOf(all, out, overlay ? [LABELS, OVERLAY] : [LABELS], flags);
  if (jobs.length === 0) {
    io.err(`all ${kept} photos have their results in ${out} already`);
    return;
  }
  const { weights, facts } = await readWeightsFile(file, io);
  const options = netOf(net, facts);
  const named = {
    ...options,
    ...classFacts(facts, options.classes),
    ...(classList === undefined ? {} : await classFactsOf(classList, options.classes)),
  };
  const legend = legendOf(options.classes, named);
  const texts = { "legend.html": legendPage(legend), "classes.txt": classListText(legend) };
  if (!flags.force) await expectSameTexts(out, texts);
  const pixels = asked ?? facts.pixels;
  const { makeFolder, writeAtomically } = await import("../data/run-folder.js");
  await makeFolder(out);
  using gpu = await io.openGpu({ f16: precision !== "f32" });
  const onProgress = ({ stage, done, total }: { stage: string; done: number; total: number }): void =>
    io.status(`${stage}: ${done} of ${total}`);
  using segmenter = await openFcn(gpu, {
    ...named,
    weights,
    precision,
    onProgress,
    signal: io.signal,
    ...given({ pixels }),
  });
  // Not before the net fits the weights: what a command that fails leaves behind stands in the way of the next.
  for (const [name, text] of Object.entries(texts)) await writeAtomically(join(out, name), Buffer.from(text));
  const { readPhoto } = await import("../data/photo.js");
  const started = performance.now();
  let failed = 0;
  for (const [i, { photo, name }] of jobs.entries()) {
    if (io.signal.aborted && i > 0) io.err(`${i} of ${jobs.length} photos labelled: --only-new goes on with the others`);
    io.signal.throwIfAborted();
    const left = i > 0 ? `, ${duration(((performance.now() - started) / i) * (jobs.length - i))} left` : "";
    io.status(`${i + 1} of ${jobs.length}: ${photo}${left}`);
    try {
      const read = await readPhoto(photo, { upright: true });
      const { labelled, at } = await labelledWithin(segmenter, photo, read, maxSide);
      await writeLabelled(join(out, name), labelled, read.pixels, overlay ? opacity : null);
      io.out(`${photo}: ${read.width} x ${read.height}${at}, ${shares(labelled)}`);
    } catch (error) {
      // One photo that cannot be read or is too large does not end a folder of them. By name: under tsx, modules that are imported later have classes of their own.
      const isPhotos = error instanceof Error && error.name === "InputError";
      if (!isPhotos || jobs.length === 1) throw error;
      failed++;
      io.err(`fcn: ${describeError(error).line}`);
    }
  }
  io.status("");
  if (failed > 0) throw new InputError(`${failed} of ${jobs.length} photos could not be labelled: see the lines above`);
  const notes = [replaced > 0 ? `${replaced} of them anew` : "", kept > 0 ? `${kept} were there already` : ""];
  io.err(
    [`${photosOf(jobs.length)} labelled into ${out}, in ${duration(performance.now() - started)}`, ...notes.filter(Boolean)].join(
      "; ",
    ),
  );
}

const photosOf = (count: number): string => (count === 1 ? "1 photo" : `${count} photos`);
const [LABELS, OVERLAY] = [".labels.png", ".overlay.png"];

/** The labels of a photo in its own size, and at which size the net saw it where that is another. Throws InputError where it is too large for the GPU. */
async function labelledWithin(
  segmenter: Segmenter,
  name: string,
  photo: Photo,
  maxSide = Infinity,
): Promise<{ readonly labelled: Segmentation; readonly at: string }> {
  const { photoWithin } = await import("../data/photo.js");
  const seen = await photoWithin(photo, maxSide);
  const { width, height } = photo;
  const found = await segmenter.predict(seen.pixels, { size: [seen.height, seen.width] }).catch((error: unknown) => {
    if (!(error instanceof Error && error.name === "OutOfMemoryError")) throw error;
    const half = Math.ceil(Math.max(seen.width, seen.height) / 2);
    throw new InputError(
      `${name}: ${seen.width} x ${seen.height} is too large for this GPU: let it be scaled down, as by --max-side ${half} (${error.message})`,
      { cause: error },
    );
  });
  if (seen === photo) return { labelled: found, at: "" };
  const labels = scaledLabels(found.labels, [seen.height, seen.width], [height, width]);
  return {
    labelled: segmentationOf(labels, { width, height, legend: segmenter.legend }),
    at: ` (labelled at ${seen.width} x ${seen.height})`,
  };
}

async function writeLabelled(path: string, labelled: Segmentation, photo: Uint32Array, opacity: number | null): Promise<void> {
  const [{ writeAtomically }, { writeLabelPng, writeRgbPng }] = await Promise.all([
    import("../data/run-folder.js"),
    import("../data/label-png.js"),
  ]);
  const { labels, width, height, legend } = labelled;
  await writeAtomically(path + LABELS, writeLabelPng(labelled));
  if (opacity !== null)
    await writeAtomically(path + OVERLAY, writeRgbPng(overlaid(photo, labels, paletteOf(legend), opacity), width, height));
}

/** The photo under the colours of its labels, RGB. */
function overlaid(photo: Uint32Array, labels: Uint8Array, palette: Uint8Array, opacity: number): Uint8Array {
  const rgb = new Uint8Array(3 * labels.length);
  labels.forEach((label, i) => {
    for (let c = 0; c < 3; c++) {
      const below = (photo[i]! >>> (8 * c)) & 255;
      rgb[3 * i + c] = Math.round((1 - opacity) * below + opacity * palette[3 * label + c]!);
    }
  });
  return rgb;
}

const MOST_SHARES = 4;

/** "road 45.2 %, sky 30.1 %": the largest first. */
function shares({ labels, legend }: Segmentation): string {
  return legend
    .filter(({ pixels }) => pixels > 0)
    .sort((a, b) => b.pixels - a.pixels)
    .slice(0, MOST_SHARES)
    .map(({ name, pixels }) => `${name} ${((100 * pixels) / labels.length).toFixed(1)} %`)
    .join(", ");
}
