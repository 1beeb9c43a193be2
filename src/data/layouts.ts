/** How data sets lie on a disk: which image goes with which labels. */
import { readdir } from "node:fs/promises";
import { join, parse, resolve } from "node:path";
import { InputError } from "../tensor/errors.js";
import { readClassList, vocClasses, type ClassList } from "./class-list.js";
import { fileError, reasonOf } from "./errors.js";
import { isLabels, isPhoto, nameOf, pathsOf } from "./file-names.js";
import { exists, linesOf, splitLines, type Listed, type ListOptions } from "./lists.js";

export interface Pair {
  readonly image: string;
  readonly labels: string;
}

export interface Listing extends Pick<Listed, "list" | "excluded"> {
  /** The folder that its paths are seen from; below the one that was asked for, where the set lies in folders of its own. */
  readonly root: string;
  readonly classes: ClassList;
  readonly pairs: readonly Pair[];
}

/**
 * `voc`: VOC2011 or 2012 (JPEGImages, SegmentationClass, ImageSets/Segmentation). `sbd`: the Semantic Boundaries Dataset (dataset/img, cls, train.txt), labels in .mat.
 * `labelme`: what labelme's labelme2voc.py writes (JPEGImages, SegmentationClassPNG or SegmentationClass, class_names.txt), in splits as `folder`. `folder`: `images`, `labels` and `classes.txt`, in splits by lists `<split>.txt` of names, or of both paths a line (as CamVid's are).
 */
export type Format = "voc" | "sbd" | "labelme" | "folder";

export interface LayoutOptions extends ListOptions {
  /** What the labels' names have behind the images': "_labels". */
  readonly labelSuffix?: string;
  /** Where photos and labels lie in the set's folder, where not in its format's own: of `folder`, "images" and "labels". */
  readonly folders?: { readonly images?: string; readonly labels?: string };
  /** A file of classes in place of the set's own (`classes.txt`, labelme's `class_names.txt`, VOC's 21): for a second label set of the same photos, or another in VOC's folders. */
  readonly classList?: string;
}

type Folders = Required<NonNullable<LayoutOptions["folders"]>>;

/** Throws InputError where the folder is of no known layout, and names what is missing where it is of one. */
export async function readLayout(root: string, format: Format | "auto", options: LayoutOptions): Promise<Listing> {
  const found = format === "auto" ? await detect(root, options) : { format, root };
  const listing = await LAYOUTS[found.format](found.root, options);
  const { pairs, list, excluded } = listing;
  if (pairs.length === 0)
    throw new InputError(
      `${list ?? root}: ${excluded > 0 ? `all ${excluded} images are left out by exclude: check these lists` : "there are no images: check the list"}`,
    );
  return { ...listing, root: found.root };
}

type Read = (root: string, options: LayoutOptions) => Promise<Omit<Listing, "root">>;

const LAYOUTS: Readonly<Record<Format, Read>> = {
  voc: readVoc,
  sbd: readSbd,
  labelme: readLabelme,
  folder: (root, options) => readFolder(root, options, "classes.txt", { images: "images", labels: "labels" }),
};

async function detect(root: string, { classList }: LayoutOptions): Promise<{ format: Format; root: string }> {
  const nested = [
    "",
    "VOC2012",
    "VOC2011",
    "VOCdevkit/VOC2012",
    "VOCdevkit/VOC2011",
    "TrainVal/VOCdevkit/VOC2011",
    "benchmark_RELEASE",
  ];
  for (const below of nested) {
    const at = join(root, below);
    if (await exists(join(at, "class_names.txt"))) return { format: "labelme", root: at };
    if (await exists(join(at, "JPEGImages"))) return { format: "voc", root: at };
    if (await exists(join(at, "dataset", "cls"))) return { format: "sbd", root: at };
  }
  if (await exists(join(root, "cls"))) return { format: "sbd", root: join(root, "..") };
  if (classList !== undefined || (await exists(join(root, "classes.txt")))) return { format: "folder", root };
  if (!(await exists(root))) throw new InputError(`${root}: there is no such folder: check the path`);
  throw new InputError(
    `${root}: this is no data set that is known: expected JPEGImages (VOC), dataset/cls (SBD), class_names.txt (labelme), or classes.txt beside images and labels`,
  );
}

function readVoc(root: string, options: LayoutOptions): ReturnType<Read> {
  const lists = join(root, "ImageSets", "Segmentation");
  return readVocClasses(root, lists, options, { images: "JPEGImages", labels: "SegmentationClass" });
}

function readSbd(root: string, options: LayoutOptions): ReturnType<Read> {
  const own = { images: join("dataset", "img"), labels: join("dataset", "cls") };
  return readVocClasses(root, join(root, "dataset"), options, own);
}

async function readVocClasses(root: string, folder: string, options: LayoutOptions, own: Folders): ReturnType<Read> {
  const { classList, labelSuffix = "" } = options;
  const classes = classList === undefined ? vocClasses() : await readClassList(classList);
  const { lines, ...listed } = await splitLines(options, { folder, isList: () => Promise.resolve(true), all: null });
  return { classes, pairs: await paired(lines, foldersIn(root, options, own), labelSuffix), ...listed };
}

/** Older versions put .npy files beside, into SegmentationClass, and PNGs into a folder of their own. */
async function readLabelme(root: string, options: LayoutOptions): ReturnType<Read> {
  const labels = (await exists(join(root, "SegmentationClassPNG"))) ? "SegmentationClassPNG" : "SegmentationClass";
  return readFolder(root, options, "class_names.txt", { images: "JPEGImages", labels });
}

async function readFolder(root: string, options: LayoutOptions, ownList: string, own: Folders): ReturnType<Read> {
  const { labelSuffix = "", classList = join(root, ownList) } = options;
  const classes = await readClassList(classList);
  const folders = foldersIn(root, options, own);
  const { images } = folders;
  const { lines, ...listed } = await splitLines(options, {
    folder: root,
    isList: async (file) => resolve(file) !== resolve(classList) && (await namesAnImage(root, images, file)),
    all: async () => [...(await filesByName(images, isPhoto)).keys()].sort(),
  });
  const arePaths = listed.list !== null && lines.some((line) => pathsOf(line));
  const pairs = arePaths
    ? await Promise.all(lines.map((line, i) => bothPaths(root, listed.list!, line, i)))
    : await paired(lines, folders, labelSuffix);
  return { classes, pairs, ...listed };
}

function foldersIn(root: string, { folders = {} }: LayoutOptions, own: Folders): Folders {
  return { images: join(root, folders.images ?? own.images), labels: join(root, folders.labels ?? own.labels) };
}

/** Other texts may lie beside the lists: a list's first line is an image that is there. */
async function namesAnImage(root: string, images: string, file: string): Promise<boolean> {
  const first = (await linesOf(file))[0];
  if (first === undefined) return false;
  const paths = pathsOf(first);
  if (paths) return exists(join(root, paths[0]));
  return imageCalled(first, await filesByName(images, isPhoto).catch(() => new Map<string, string>())) !== undefined;
}

async function bothPaths(root: string, list: string, line: string, i: number): Promise<Pair> {
  const paths = pathsOf(line);
  if (!paths)
    throw fileError(list, `line ${i + 1} is ${JSON.stringify(line)}: expected an image and its labels, as in the other lines`);
  const pair = { image: join(root, paths[0]), labels: join(root, paths[1]) };
  for (const file of [pair.image, pair.labels])
    if (!(await exists(file))) throw fileError(file, `it is missing: line ${i + 1} of ${list} names it`);
  return pair;
}

/** Files of both folders by name, without what they end in. */
async function paired(names: readonly string[], { images, labels }: Folders, labelSuffix: string): Promise<Pair[]> {
  const [byImage, byLabels] = await Promise.all([filesByName(images, isPhoto), filesByName(labels, isLabels)]);
  return names.map((name) => {
    const image = imageCalled(name, byImage);
    if (!image) throw fileError(join(images, name), "there is no such image: the list names it");
    const called = parse(image).name + labelSuffix;
    const label = byLabels.get(called);
    if (!label) throw fileError(join(images, image), `it has no labels: ${join(labels, `${called}.png`)} is missing`);
    return { image: join(images, image), labels: join(labels, label) };
  });
}

/** By its name, or as the file is called. */
function imageCalled(name: string, byImage: ReadonlyMap<string, string>): string | undefined {
  return byImage.get(name) ?? [byImage.get(nameOf(name))].find((file) => file === name);
}

async function filesByName(folder: string, isKind: (file: string) => boolean): Promise<ReadonlyMap<string, string>> {
  const files = await readdir(folder).catch((error: unknown) => {
    throw fileError(folder, `the folder cannot be read (${reasonOf(error)})`, error);
  });
  return new Map(files.filter(isKind).map((file) => [parse(file).name, file]));
}
