/** `fcn convert`: weights from one form to another, their names and shapes to those of a net. */
import { access } from "node:fs/promises";
import { Command, Option } from "commander";
import { writeAtomically } from "../data/run-folder.js";
import { fcn, type FcnOptions } from "../fcn/fcn.js";
import { netMetadata, type NetFacts } from "../fcn/net-metadata.js";
import { transplant } from "../fcn/surgery.js";
import { trunkOf, type TrunkName } from "../fcn/trunks.js";
import type { Graph, Names } from "../graph/graph.js";
import { InputError } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import type { Weights } from "../tensor/weights.js";
import { convertNames, nameTableOf } from "../weights/convert-names.js";
import type { WrittenType } from "../weights/element-types.js";
import { manifestFiles } from "../weights/manifest.js";
import { NAME_TABLES, type NameTableName } from "../weights/name-tables.js";
import { safetensorsPieces } from "../weights/safetensors.js";
import { mebibytes, UsageError, type Io } from "./io.js";
import { addNetOptions, commaList, netOf, sizeOf, type NetFlags } from "./options.js";
import { formatOf, readWeightsFile } from "./weights-file.js";

interface ConvertFlags extends NetFlags {
  readonly names: NameTableName | "auto" | "keep";
  readonly ownPixels: boolean;
  readonly size?: readonly [h: number, w: number];
  readonly dtype: WrittenType;
  readonly allow?: readonly string[];
  readonly force: boolean;
}

export function convertCommand(io: Io): Command {
  const command = new Command("convert")
    .summary("bring weights to another form, another library's names, another net")
    .description(
      "Reads weights and writes them as what the second name ends in: .safetensors, .json (a manifest, with its .bin), .onnx (the net itself, with open batch, height and width; with --size the batch alone is open, as --padding minimal needs). torchvision's and timm's names become this engine's. With --variant the weights become those of that net: classifiers convolutional, 32s to 16s to 8s; what became of each is printed.",
    )
    .argument("<input>", "weights: .safetensors, .caffemodel, .onnx, or a manifest's .json")
    .argument("<output>", "what to write: .safetensors, .json or .onnx");
  return addNetOptions(command)
    .addOption(
      new Option("--names <table>", "whose names the input has; auto: as they fit; keep: leave them")
        .choices(["auto", "keep", ...Object.keys(NAME_TABLES)])
        .default("auto"),
    )
    .option("--own-pixels", "leave what the weights take as pixels as it is, where names are converted", false)
    .option("--size <WxH>", "images that the .onnx takes, and no others (default: of any size)", sizeOf)
    .addOption(new Option("--dtype <type>", "of the values in .safetensors").choices(["F32", "F16", "BF16"]).default("F32"))
    .option(
      "--allow <layers>",
      "layers that may start at random though the input lacks them, or be dropped though it holds them, by commas",
      commaList,
    )
    .option("--force", "overwrite the output", false)
    .addHelpText(
      "after",
      `
Examples:
  fcn convert VGG_ILSVRC_16_layers.caffemodel vgg16.safetensors
  fcn convert torchvision-vgg16.safetensors fcn32s.safetensors --trunk vgg16 --variant 32s --classes 21
  fcn convert fcn32s.safetensors fcn16s.safetensors --variant 16s
  fcn convert fcn8s-heavy-pascal.caffemodel fcn8s.onnx --trunk vgg16 --variant 8s --classes 21
  fcn convert runs/camvid/4s.safetensors camvid.onnx --size 320x240
  fcn convert fcn8s.safetensors half.safetensors --dtype F16`,
    )
    .action((input: string, output: string, flags: ConvertFlags) => convert(io, input, output, flags));
}

interface Converted {
  readonly weights: Weights;
  readonly facts: NetFacts;
}

/** Where a net's weights are looked at, which are the same at any. */
const ANY_SIZE = [500, 500] as const;

async function convert(io: Io, input: string, output: string, flags: ConvertFlags): Promise<void> {
  const { names, ownPixels, size, dtype, allow = [], force, ...net } = flags;
  const to = formatOf(output);
  if (to === "caffemodel")
    throw new UsageError(`${output}: .caffemodel files are read, not written: use .safetensors, .json or .onnx`);
  if (dtype !== "F32" && to !== "safetensors")
    throw new UsageError(`--dtype is ${dtype}, which only .safetensors can hold: leave it out`);
  if (size !== undefined && to !== "onnx")
    throw new UsageError("--size is for .onnx: other weights belong to no size, leave it out");
  await refuseToOverwrite(output, force);
  const file = await readWeightsFile(input, io);
  const renamed = rename(io, file, names, ownPixels);
  const wantsNet = to === "onnx" || net.variant !== undefined;
  const options = wantsNet ? netOf(net, renamed.facts) : null;
  const metadata = { ...file.metadata, ...metadataOf(options, net, renamed.facts) };
  const graph = options && fcn({ ...options, size: size ?? ANY_SIZE });
  const weights = graph ? fitted(io, renamed.weights, graph, allow) : renamed.weights;
  io.signal.throwIfAborted();
  const values = [...weights.values()].reduce((n, { data }) => n + data.length, 0);
  const bytes = values * (dtype === "F32" ? 4 : 2);
  io.status(`writing ${output}`);
  const written = [output];
  if (to === "safetensors") await writeTold(io, output, safetensorsPieces({ tensors: weights, metadata }, { dtype }), bytes);
  if (to === "manifest") {
    const { json, data } = manifestFiles(weights, metadata);
    const beside = output.replace(/json$/i, "bin");
    await refuseToOverwrite(beside, force);
    // The values first: a manifest never names what is not there.
    await writeTold(io, beside, data, bytes);
    await writeAtomically(output, Buffer.from(json));
    written.push(beside);
  }
  if (to === "onnx") {
    const { exportOnnx } = await import("../onnx/export.js");
    const dynamic = size === undefined ? true : { image: { 0: "batch" } };
    await writeAtomically(output, exportOnnx(graph!, weights, { dynamic }));
  }
  io.status("");
  io.out(`${written.join(" and ")}: ${weights.size} tensors, ${values.toLocaleString("en")} values, ${mebibytes(bytes)}`);
}

/** The pieces one behind the other, with what is written so far; Ctrl-C leaves the file as it was. */
async function writeTold(io: Io, file: string, pieces: Iterable<Uint8Array>, total: number): Promise<void> {
  const told = function* (): Generator<Uint8Array, void, void> {
    let done = 0;
    for (const piece of pieces) {
      io.signal.throwIfAborted();
      yield piece;
      done += piece.length;
      io.status(`writing ${file}: ${mebibytes(Math.min(done, total))} of ${mebibytes(total)}`);
    }
  };
  await writeAtomically(file, told());
}

async function refuseToOverwrite(file: string, force: boolean): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere && !force) throw new InputError(`${file} is there already: give another name, or --force to overwrite it`);
}

/** Another library's names become ours, and its pixels the trunk's. */
function rename(io: Io, { weights, facts }: Converted, names: ConvertFlags["names"], ownPixels: boolean): Converted {
  if (names === "keep") return { weights, facts };
  const table = names === "auto" ? nameTableOf(weights) : names;
  if (table === null) return { weights, facts };
  const converted = convertNames(weights, table, ownPixels ? { pixels: "own" } : {});
  io.out(`names of ${table}, for trunk ${converted.trunk}: ${converted.weights.size} of ${weights.size} tensors taken`);
  if (converted.dropped.length > 0) io.out(`  without a place in the trunk: ${converted.dropped.join(", ")}`);
  if (converted.atBorder > 0)
    io.out(
      `  at the border of an image the first layer's outputs differ by up to ${converted.atBorder.toPrecision(3)}: its padding stands for another mean`,
    );
  const trunk = converted.trunk as TrunkName;
  const { mean } = converted.pixels;
  // A net of one channel takes the first of three.
  const pixels = { ...converted.pixels, mean: mean.length === 1 ? [mean[0]!, mean[0]!, mean[0]!] : mean };
  const isTrunks = JSON.stringify(pixels) === JSON.stringify(trunkOf(trunk).pixels);
  return { weights: converted.weights, facts: { ...facts, trunk, ...(isTrunks ? {} : { pixels }) } };
}

/** What a file is to say of its net: as much as is known. */
function metadataOf(options: FcnOptions | null, flags: NetFlags, facts: NetFacts): Record<string, string> {
  const trunk = flags.trunk ?? facts.trunk;
  if (options) return netMetadata({ ...facts, ...options });
  return trunk === undefined ? {} : netMetadata({ ...facts, ...flags, trunk });
}

/** The weights as the graph takes them: as they are, or by surgery. */
function fitted(io: Io, weights: Weights, graph: Graph<Names, Names>, allow: readonly string[]): Weights {
  const fits = graph.params.every(({ name, shape }) => {
    const given = weights.get(name);
    return given !== undefined && sameShape(given.shape, shape);
  });
  // Surgery would set learned upsampling back to bilinear.
  if (fits && weights.size === graph.params.length) {
    io.out(`all ${weights.size} tensors are the net's, as they are`);
    return weights;
  }
  io.status("fitting the weights to the net");
  const grafted = transplant(weights, graph, { allow });
  io.out(grafted.report.toTable());
  return grafted.weights;
}
