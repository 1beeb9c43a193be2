/** What a table of one's own must hold, checked before anything is built of it: what is wrong is named by layer and field. */
import { ShapeError } from "../tensor/errors.js";
import { IMAGE, isWeighted, type Head, type Trunk, type TrunkLayer } from "./trunk.js";
import { inputsOf } from "./trunk-layers.js";

/** The trunk itself. Throws ShapeError, naming layer, field, value and remedy. */
export function checkTrunk(trunk: Trunk): Trunk {
  const fail = (what: string, remedy: string): never => {
    throw new ShapeError(`trunk ${String(trunk.name)}: ${what}: ${remedy}`);
  };
  if (typeof trunk.name !== "string" || trunk.name === "") fail("it has no name", "give it one: messages and files use it");
  checkLayers(trunk, fail);
  checkClassifierOnly(trunk, fail);
  const { size, channels } = trunk.crop;
  if (!isAtLeast(size, 1) || !isAtLeast(channels, 1))
    fail(`crop is ${channels} channels of ${size} x ${size}`, "use integers of at least 1");
  if (!isAtLeast(trunk.caffePadding, 0)) fail(`caffePadding is ${trunk.caffePadding}`, "use an integer of at least 0");
  if (Object.keys(trunk.heads).length === 0)
    fail("it has no heads", 'give it one, as { "32s": { skips: [], upsampling: "upscore" } }');
  for (const [variant, head] of Object.entries(trunk.heads)) checkHead(trunk, variant, head, fail);
  return trunk;
}

type Fail = (what: string, remedy: string) => never;

function checkLayers({ layers }: Trunk, fail: Fail): void {
  const first = layers[0];
  if (first?.op !== "conv" || (first.from ?? IMAGE) !== IMAGE)
    fail("its first layer is no convolution of the image", "begin with one: the net's padding is set there");
  const known = new Set<string>();
  let before = IMAGE;
  for (const layer of layers) {
    const bad = (what: string, remedy: string): never => fail(`layer ${layer.name}: ${what}`, remedy);
    if (typeof layer.name !== "string" || layer.name === "" || layer.name === IMAGE)
      fail(`a layer of op ${layer.op} is called ${JSON.stringify(layer.name)}`, `use a name of its own, other than "${IMAGE}"`);
    if (known.has(layer.name)) bad("there are two of this name", "rename one: parameters are called by their layers");
    const inputs = inputsOf(layer, before);
    if (inputs.length === 0) bad("it is computed from nothing", "name the layers to concatenate");
    for (const from of inputs) {
      if (from === IMAGE && layer !== first) bad("it reads the image", "only the first layer may: derive it from that one");
      if (from !== IMAGE && !known.has(from))
        bad(`it is computed from ${from}, which is no layer in front of it`, `use one of ${[...known].join(", ")}`);
    }
    checkNumbers(layer, bad);
    known.add(layer.name);
    before = layer.name;
  }
}

/** Numbers of a layer by field: the least that each may be. */
const LEAST: Readonly<Record<string, number>> = {
  channels: 1,
  kernel: 1,
  stride: 1,
  padding: 0,
  dilation: 1,
  groups: 1,
  extent: 1,
  size: 1,
};

const OPS: readonly TrunkLayer["op"][] = [
  "conv",
  "maxPool",
  "averagePool",
  "globalAveragePool",
  "lrn",
  "dropout",
  "fullyConnected",
  "concat",
];

function checkNumbers(layer: TrunkLayer, bad: Fail): void {
  if (!OPS.includes(layer.op)) bad(`op is ${String(layer.op)}`, `use ${OPS.join(", ")}`);
  for (const [field, value] of Object.entries(layer)) {
    const least = LEAST[field];
    if (least !== undefined && value !== undefined && !isAtLeast(value, least))
      bad(`${field} is ${String(value)}`, `use an integer of at least ${least}`);
  }
  if (layer.op === "conv" && layer.channels % (layer.groups ?? 1) !== 0)
    bad(`${layer.channels} channels do not divide into ${layer.groups} groups`, "change one of them");
  if ((layer.op === "maxPool" || layer.op === "averagePool") && (layer.padding ?? 0) >= layer.kernel)
    bad(`padding is ${layer.padding} but the kernel ${layer.kernel}`, "pad less: a window must hold a pixel of its map");
  if (layer.op === "dropout" && layer.p !== undefined && !(layer.p >= 0 && layer.p < 1))
    bad(`p is ${layer.p}`, "use a probability of at least 0 and below 1");
}

function checkClassifierOnly({ layers, classifierOnly = [] }: Trunk, fail: Fail): void {
  for (const name of classifierOnly) {
    const layer = layers.find((candidate) => candidate.name === name);
    if (!layer) fail(`classifierOnly names ${name}, which is no layer`, `use some of ${layers.map((l) => l.name).join(", ")}`);
    if (layer?.op === "concat") fail(`classifierOnly names ${name}, a concat`, "leave out its branches' common input instead");
  }
  if (!layers.some((layer) => isWeighted(layer) && !classifierOnly.includes(layer.name)))
    fail("classifierOnly leaves no layer with parameters", "name the classification layer and what follows it alone");
  const global = layers.find(({ op, name }) => op === "globalAveragePool" && !classifierOnly.includes(name));
  if (global)
    fail(`layer ${global.name}: it leaves one number a channel, and no map`, "add it to classifierOnly, or use averagePool");
}

function checkHead({ layers, classifierOnly = [] }: Trunk, variant: string, head: Head, fail: Fail): void {
  const kept = layers.map(({ name }) => name).filter((name) => !classifierOnly.includes(name));
  const bad = (what: string, remedy: string): never => fail(`head ${variant}: ${what}`, remedy);
  const names = [...kept, "score_fr", "score"];
  for (const { from, name = from, upsampling, scale } of head.skips) {
    if (!kept.includes(from)) bad(`a skip is from ${from}, which is no layer of the trunk`, `use one of ${kept.join(", ")}`);
    if (scale !== undefined && !Number.isFinite(scale))
      bad(`the scale of the skip from ${from} is ${scale}`, "use a finite number");
    names.push(`score_${name}`, `fuse_${name}`, upsampling);
  }
  names.push(head.upsampling);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) bad(`two layers are called ${twice}`, "rename one");
}

function isAtLeast(value: unknown, least: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= least;
}
