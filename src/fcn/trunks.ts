/** The trunks by name. */
import { ShapeError } from "../tensor/errors.js";
import type { Trunk } from "./trunk.js";
import { checkTrunk } from "./trunk-check.js";
import { ALEXNET, ALEXNET_BVLC } from "./trunks/alexnet.js";
import { GOOGLENET } from "./trunks/googlenet.js";
import { LENET } from "./trunks/lenet.js";
import { SQUEEZENET } from "./trunks/squeezenet.js";
import { ALEXNET_TORCHVISION, GOOGLENET_TORCHVISION } from "./trunks/torchvision.js";
import { VGG16, VGG19 } from "./trunks/vgg.js";

/**
 * "alexnet" is CaffeNet, the paper's, which pools before it normalises; "alexnet-bvlc" normalises first. torchvision's two are other nets than Caffe's.
 * "squeezenet" is version 1.1.
 */
export type TrunkName =
  | "lenet"
  | "alexnet"
  | "alexnet-bvlc"
  | "alexnet-torchvision"
  | "vgg16"
  | "vgg19"
  | "googlenet"
  | "googlenet-torchvision"
  | "squeezenet";

const TRUNKS: Readonly<Record<TrunkName, Trunk>> = {
  lenet: LENET,
  alexnet: ALEXNET,
  "alexnet-bvlc": ALEXNET_BVLC,
  /** Another net: no groups, no normalisation, fewer channels. */
  "alexnet-torchvision": ALEXNET_TORCHVISION,
  vgg16: VGG16,
  vgg19: VGG19,
  googlenet: GOOGLENET,
  /** Another net: batch normalisation in its convolutions, 3x3 for 5x5. */
  "googlenet-torchvision": GOOGLENET_TORCHVISION,
  squeezenet: SQUEEZENET,
};

/** Every name. */
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
