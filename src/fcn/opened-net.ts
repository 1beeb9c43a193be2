/** Which net is to be opened: what the caller says of it, and for the rest what the weights' file says. */
import { InputError, ShapeError } from "../tensor/errors.js";
import type { Weights } from "../tensor/weights.js";
import type { ReadOptions } from "../weights/bytes.js";
import type { Pixels } from "../weights/pixels.js";
import { openSafetensors } from "../weights/safetensors.js";
import type { FcnOptions } from "./fcn.js";
import { classFacts, MOST_CLASSES, type ClassFacts } from "./legend.js";
import { netFacts, type NetFacts } from "./net-metadata.js";
import { trunkOf } from "./trunks.js";

/** What a caller says: anything that it leaves out is the file's. */
export type NetAsked = Partial<FcnOptions> & ClassFacts & { readonly pixels?: Pixels };

export type OpenedNet = FcnOptions & Pick<NetAsked, "labels" | "colours" | "pixels">;

/** Of a file the header is read and checked before its tensors are. Throws InputError, ShapeError, WeightsError. */
export async function openNet(
  asked: NetAsked,
  weights: Weights | URL,
  options: ReadOptions,
): Promise<{ readonly net: OpenedNet; readonly weights: Weights }> {
  if (!(weights instanceof URL)) {
    expectWeights(weights);
    return { net: settled(asked, {}), weights };
  }
  const file = await openSafetensors(weights, options);
  try {
    const net = settled(asked, netFacts(file.metadata));
    const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for await (const { name, shape, data } of file.tensors()) tensors.set(name, { shape, data });
    return { net, weights: tensors };
  } finally {
    await file.close();
  }
}

/** Without types a path is easily given, or nothing. */
function expectWeights(weights: unknown): asserts weights is Weights {
  if (typeof (weights as Partial<Weights> | undefined)?.get === "function") return;
  const given = typeof weights === "string" ? `the text ${JSON.stringify(weights)}` : String(weights);
  throw new InputError(
    `openFcn: weights is ${given}: pass an address, as new URL("fcn8s.safetensors", location.href), in Node pathToFileURL("fcn8s.safetensors"), or a Map of weights by name`,
  );
}

function settled(asked: NetAsked, facts: NetFacts): OpenedNet {
  const { trunk, variant, classes } = { ...facts, ...asked };
  const [missing] = Object.entries({ trunk, variant, classes }).find(([, value]) => value === undefined) ?? [];
  if (trunk === undefined || variant === undefined || classes === undefined)
    throw new InputError(
      `openFcn: ${missing} is missing, and the weights do not say it: pass it, or an address of weights that fcn train or fcn convert wrote`,
    );
  const { name, crop } = trunkOf(trunk);
  if (crop.channels !== 1 && crop.channels !== 3)
    throw new ShapeError(
      `openFcn: trunk ${name} takes ${crop.channels} channels, but an image has 1 or 3: compile fcn(...) and give it tensors yourself`,
    );
  if (classes > MOST_CLASSES)
    throw new ShapeError(
      `openFcn: ${classes} classes do not fit into labels of one byte: use at most ${MOST_CLASSES}, or compile fcn(...) yourself`,
    );
  for (const [what, given] of Object.entries({ labels: asked.labels, colours: asked.colours }))
    if (given && given.length !== classes)
      throw new InputError(`openFcn: ${given.length} ${what} were given but the net has ${classes} classes: give one for each`);
  const { labels: _labels, colours: _colours, ...own } = facts;
  return { ...own, ...classFacts(facts, classes), ...asked, trunk, variant, classes };
}
