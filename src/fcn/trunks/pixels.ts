/** What the nets in Caffe's model zoo take: BGR less the mean colour of the ILSVRC training set (fcn.md 2.3). */
import type { Trunk } from "../trunk.js";

export const CAFFE_PIXELS: Trunk["pixels"] = { order: "bgr", mean: [104.00699, 116.66877, 122.67892], scale: 1 };
