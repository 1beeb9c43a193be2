/** Caffe: the weights of a .caffemodel. Needs the optional peer package @bufbuild/protobuf. */
export { readCaffemodel, type CaffeLayer, type CaffeModel } from "./caffemodel.js";
export type { FileSource, ReadOptions } from "../weights/bytes.js";
