/** The trunks by name. */
import { ShapeError } from "../tensor/errors.js";
import { ALEXNET } from "./alexnet.js";
import { LENET } from "./lenet.js";
import type { Trunk } from "./trunk.js";
import { VGG16 } from "./vgg16.js";

export type TrunkName = "lenet" | "alexnet" | "vgg16" | "googlenet";

const TRUNKS: Readonly<Record<string, Trunk>> = { lenet: LENET, alexnet: ALEXNET, vgg16: VGG16 };

/** Throws ShapeError for a trunk that does not exist (yet: googlenet). */
export function trunkOf(name: TrunkName): Trunk {
  const trunk = Object.hasOwn(TRUNKS, name) ? TRUNKS[name] : undefined;
  if (!trunk) throw new ShapeError(`fcn: trunk is ${name}, which is not available: use ${Object.keys(TRUNKS).join(", ")}`);
  return trunk;
}
