/** `fcn predict`: photos in, label images, overlays and a legend out. */
import { mkdir, readdir, stat } from "node:fs/promises";
import { join, parse, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { classFacts, legendOf, paletteOf, type LegendEntry } from "../fcn/legend.js";
import type { Segmentation } from "../fcn/segmentation.js";
import { openFcn } from "../fcn/segmenter.js";
import { InputError } from "../tensor/errors.js";
import type { Pixels } from "../weights/pixels.js";
import { duration, UsageError, type Io } from "./io.js";
import { classFactsOf, classListText, legendPage } from "./legend.js";
import { addNetOptions, addPixelsOption, addPrecisionOption, netOf, type NetFlags } from "./options.js";
import { readWeightsFile } from "./weights-file.js";

interface PredictFlags extends NetFlags {
  readonly weights: string;
  readonly out: string;
  readonly classList?: string;
  readonly pixels?: Pixels;
  readonly precision: "f32" | "f16";
  readonly opacity: number;
  readonly overlay: boolean;
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
    .addHelpText(
      "after",
      `
Examples:
  fcn predict cat.jpg --weights runs/voc/8s.safetensors --out labelled
  fcn predict photos/ --weights fcn8s-heavy-pascal.caffemodel --trunk vgg16 --variant 8s --classes 21 --out labelled
  fcn predict road.png --weights camvid.safetensors --class-list camvid/classes.txt --opacity 0.4 --out labelled`,
    )
    .action((photos: string[], flags: PredictFlags) => predict(io, photos, flags));
}

function shareOf(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1)) throw new InvalidArgumentError("Use a number from 0 to 1.");
  return value;
}

async function predict(io: Io, photos: readonly string[], flags: PredictFlags): Promise<void> {
  const { weights: file, out, classList, opacity, overlay, pixels: asked, precision, ...net } = flags;
  const jobs = await jobsOf(photos, out);
  const { weights, facts } = await readWeightsFile(file, io);
  const options = netOf(net, facts);
  const named = {
    ...options,
    ...classFacts(facts, options.classes),
    ...(classList === undefined ? {} : await classFactsOf(classList, options.classes)),
  };
  const legend = legendOf(options.classes, named);
  const pixels = asked ?? facts.pixels;
  await mkdir(out, { recursive: true });
  await writeLegend(out, legend);
  using gpu = await io.openGpu({ f16: precision !== "f32" });
  const onProgress = ({ stage, done, total }: { stage: string; done: number; total: number }): void =>
    io.status(`${stage}: ${done} of ${total}`);
  using segmenter = await openFcn(gpu, {
    ...named,
    weights,
    precision,
    onProgress,
    signal: io.signal,
    ...(pixels ? { pixels } : {}),
  });
  const { readPhoto } = await import("../data/photo.js");
  const started = performance.now();
  let failed = 0;
  for (const [i, { photo, name }] of jobs.entries()) {
    io.signal.throwIfAborted();
    const left = i > 0 ? `, ${duration(((performance.now() - started) / i) * (jobs.length - i))} left` : "";
    io.status(`${i + 1} of ${jobs.length}: ${photo}${left}`);
    try {
      const { width, height, pixels: packed } = await readPhoto(photo, { upright: true });
      const labelled = await segmenter.predict(packed, { size: [height, width] });
      await writeLabelled(join(out, name), labelled, packed, overlay ? opacity : null);
      io.out(`${photo}: ${width} x ${height}, ${shares(labelled)}`);
    } catch (error) {
      // One photo that cannot be read does not end a folder of them. By name: under tsx, modules that are imported later have classes of their own.
      const isUnreadable = error instanceof Error && error.name === "InputError";
      if (!isUnreadable || jobs.length === 1) throw error;
      failed++;
      io.err(`fcn: ${error.message}`);
    }
  }
  io.status("");
  if (failed > 0) throw new InputError(`${failed} of ${jobs.length} photos could not be labelled: see the lines above`);
  io.err(
    `${jobs.length} ${jobs.length === 1 ? "photo" : "photos"} labelled into ${out}, in ${duration(performance.now() - started)}`,
  );
}

interface Job {
  readonly photo: string;
  /** Of its files, without what they end in. */
  readonly name: string;
}

/** Photos in the order given, those of a folder by name. */
async function jobsOf(photos: readonly string[], out: string): Promise<readonly Job[]> {
  const { IMAGE } = await import("../data/layouts.js");
  const files: string[] = [];
  for (const path of photos) {
    const found = await stat(path).catch((cause: unknown) => {
      throw new InputError(`${path}: there is no such file or folder: check the path`, { cause });
    });
    if (!found.isDirectory()) {
      files.push(path);
      continue;
    }
    if (resolve(path) === resolve(out))
      throw new UsageError(`--out is the folder of the photos, ${path}: give another, or the results are photos the next time`);
    const inside = (await readdir(path)).filter((name) => IMAGE.test(name)).sort();
    if (inside.length === 0) throw new InputError(`${path}: there are no photos in the folder (JPEG, PNG, WebP, TIFF, AVIF)`);
    files.push(...inside.map((name) => join(path, name)));
  }
  // By the whole name where two would share one: a.jpg and a.png.
  const count = new Map<string, number>();
  for (const file of files) count.set(parse(file).name, (count.get(parse(file).name) ?? 0) + 1);
  const jobs = files.map((photo) => ({
    photo,
    name: count.get(parse(photo).name) === 1 ? parse(photo).name : parse(photo).base,
  }));
  const twice = jobs.find(({ name }, i) => jobs.findIndex((job) => job.name === name) !== i);
  if (twice)
    throw new UsageError(
      `two photos are called ${twice.name}: their results would overwrite each other; label them one after the other, into two folders`,
    );
  return jobs;
}

async function writeLegend(out: string, legend: readonly LegendEntry[]): Promise<void> {
  const { writeAtomically } = await import("../data/run-folder.js");
  await writeAtomically(join(out, "legend.html"), Buffer.from(legendPage(legend)));
  await writeAtomically(join(out, "classes.txt"), Buffer.from(classListText(legend)));
}

async function writeLabelled(path: string, labelled: Segmentation, photo: Uint32Array, opacity: number | null): Promise<void> {
  const [{ writeAtomically }, { writeLabelPng, writeRgbPng }] = await Promise.all([
    import("../data/run-folder.js"),
    import("../data/label-png.js"),
  ]);
  const { labels, width, height, legend } = labelled;
  await writeAtomically(`${path}.labels.png`, writeLabelPng(labelled));
  if (opacity !== null)
    await writeAtomically(`${path}.overlay.png`, writeRgbPng(overlaid(photo, labels, paletteOf(legend), opacity), width, height));
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
