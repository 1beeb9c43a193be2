/** What the nets in Caffe's model zoo take: BGR less the mean colour of the ILSVRC training set (fcn.md 2.3). */
import { PIXELS } from "../../weights/pixels.js";
import type { Trunk } from "../trunk.js";

export const CAFFE_PIXELS: Trunk["pixels"] = PIXELS.caffe;
