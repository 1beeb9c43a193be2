/** `fcn inspect`: a net layer by layer, or what a weights file holds. */
import { Command, Option } from "commander";
import { describeLayers, type LayerDescription } from "../fcn/describe.js";
import { fcn, fcnLayers, type FcnOptions } from "../fcn/fcn.js";
import { trunkOf } from "../fcn/trunks.js";
import { GpuUnavailableError, OutOfMemoryError } from "../gpu/errors.js";
import { table } from "../graph/table.js";
import { formatShape, numel } from "../tensor/shape.js";
import { input } from "../tensor/tensor.js";
import { mebibytes, UsageError, type Io } from "./io.js";
import { addNetOptions, netOf, sizeOf, type NetFlags } from "./options.js";
import { listWeightsFile, type FileListing } from "./weights-file.js";

interface InspectFlags extends NetFlags {
  readonly size?: readonly [h: number, w: number];
  readonly gpu: boolean;
}

export function inspectCommand(io: Io): Command {
  const command = new Command("inspect")
    .summary("print a net's layers, or what a weights file holds")
    .description(
      "Prints a net: each layer's shape, its place in the image (pixel x of element i) and receptive field, crops, parameters and multiply-adds; and the memory that it takes on the GPU, where there is one. With a file: the tensors in it, and with --size the net that its metadata names.",
    )
    .argument("[file]", "weights: .safetensors, .caffemodel, .onnx, or a manifest's .json");
  return addNetOptions(command)
    .addOption(new Option("--size <WxH>", "width and height of the image in pixels").argParser(sizeOf))
    .option("--no-gpu", "do not plan memory on a GPU")
    .addHelpText(
      "after",
      `
Examples:
  fcn inspect --trunk vgg16 --variant 8s --classes 21 --size 500x375
  fcn inspect --trunk squeezenet --variant 8s --classes 11 --size 320x240 --padding minimal --no-gpu
  fcn inspect fcn8s-heavy-pascal.caffemodel
  fcn inspect runs/voc/8s.safetensors --size 500x375`,
    )
    .action((file: string | undefined, flags: InspectFlags) => inspect(io, file, flags));
}

/** PASCAL VOC's, the paper's. */
const DEFAULT_CLASSES = 21;

async function inspect(io: Io, file: string | undefined, flags: InspectFlags): Promise<void> {
  const listing = file === undefined ? null : await listWeightsFile(file, io);
  if (listing) printListing(io, file!, listing);
  const { size, gpu, ...net } = flags;
  if (listing && !size) {
    if (flags.trunk) throw new UsageError("--size is missing: say for which image to print the net, as --size 500x375");
    return;
  }
  if (!listing && flags.trunk === undefined)
    throw new UsageError("nothing to inspect: give a weights file, or a net, as --trunk vgg16 --variant 8s --size 500x375");
  if (!size) throw new UsageError("--size is missing: say for which image, as --size 500x375");
  const options = netOf({ classes: listing?.facts.classes ?? DEFAULT_CLASSES, ...net }, listing?.facts);
  const image = input([1, trunkOf(options.trunk).crop.channels, ...size]);
  const layers = describeLayers(fcnLayers(image, options).layers, image);
  io.out(`${listing ? "\n" : ""}${netTitle(options, size)}\n${layers.toTable()}\n${totals(layers)}`);
  if (gpu) io.out(await plannedMemory(io, options, size));
}

function netTitle(
  { trunk, variant, classes, width = 1, padding = "caffe" }: FcnOptions,
  [h, w]: readonly [number, number],
): string {
  return `${trunkOf(trunk).name} ${variant}, ${classes} classes, padding ${padding}${width === 1 ? "" : `, width ${width}`}, image ${w} x ${h}`;
}

function totals({ parameters, multiplyAdds }: LayerDescription): string {
  return `${parameters.toLocaleString("en")} parameters (${mebibytes(4 * parameters)} as float32), ${(multiplyAdds / 1e9).toFixed(3)} G multiply-adds an image`;
}

/** The one line, also where there is no GPU, or one that is too small. */
async function plannedMemory(io: Io, options: FcnOptions, size: readonly [h: number, w: number]): Promise<string> {
  io.status("planning memory on the GPU");
  try {
    using gpu = await io.openGpu();
    using program = await gpu.compile(fcn({ ...options, size }), { signal: io.signal });
    const { peakBytes, weightBytes, transientBytes, dispatches } = program.plan;
    const { description, device, vendor } = gpu.info;
    return `memory on ${description || device || vendor || "the GPU"}: ${mebibytes(peakBytes)}, of it weights ${mebibytes(weightBytes)} and activations ${mebibytes(transientBytes)}; ${dispatches} dispatches an image`;
  } catch (error) {
    if (error instanceof GpuUnavailableError) return `memory: not planned, there is no GPU here (${error.message})`;
    if (error instanceof OutOfMemoryError) return `memory: more than this GPU has (${error.message})`;
    throw error;
  } finally {
    io.status("");
  }
}

function printListing(io: Io, file: string, { format, entries, about }: FileListing): void {
  const rows = entries.map(({ name, type, shape }) => [name, type, formatShape(shape), numel(shape).toLocaleString("en")]);
  const values = entries.reduce((n, { shape }) => n + numel(shape), 0);
  io.out(
    [
      `${file}: ${format}`,
      ...about.map((line) => `  ${line}`),
      table(["tensor", "type", "shape", "values"], rows),
      `${entries.length} tensors, ${values.toLocaleString("en")} values`,
    ].join("\n"),
  );
}
