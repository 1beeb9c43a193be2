/** The trunks by name. */
import { ShapeError } from "../tensor/errors.js";
import type { Trunk } from "./trunk.js";
import { checkTrunk } from "./trunk-check.js";
import { ALEXNET, ALEXNET_BVLC } from "./trunks/alexnet.js";
import { GOOGLENET } from "./trunks/googlenet.js";
import { LENET } from "./trunks/lenet.js";
import { SQUEEZENET } from "./trunks/squeezenet.js";
import { VGG16, VGG19 } from "./trunks/vgg.js";

const TRUNKS = {
  lenet: LENET,
  /** CaffeNet, the paper's: pools before it normalises. */
  alexnet: ALEXNET,
  /** Normalises before it pools. */
  "alexnet-bvlc": ALEXNET_BVLC,
  vgg16: VGG16,
  vgg19: VGG19,
  googlenet: GOOGLENET,
  /** SqueezeNet 1.1. */
  squeezenet: SQUEEZENET,
} as const satisfies Record<string, Trunk>;

export type TrunkName = keyof typeof TRUNKS;

export const TRUNK_NAMES = Object.keys(TRUNKS) as readonly TrunkName[];

/**
 * The table of a trunk by its name, to read or to make one's own from; a table of one's own, checked. Throws ShapeError for a name that does not
 * exist and for a table that does not hold together.
 */
export function trunkOf(trunk: TrunkName | Trunk): Trunk {
  if (typeof trunk !== "string") return checkTrunk(trunk);
  if (!Object.hasOwn(TRUNKS, trunk))
    throw new ShapeError(`fcn: trunk is ${String(trunk)}: use ${TRUNK_NAMES.join(", ")}, or a table of your own (Trunk)`);
  return TRUNKS[trunk];
}
