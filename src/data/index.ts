/** Images with labels from folders, in Node. Needs the optional peers sharp and fast-png. */
export { cached, openDataSet, type DataSet, type DataSetOptions } from "./data-set.js";
export type { Format, LayoutOptions, Pair } from "./layouts.js";
export type { ListOptions } from "./lists.js";
export type { Rgb } from "../fcn/legend.js";
export { runFolder } from "./run-folder.js";
export { readPhoto, type Photo, type PhotoOptions } from "./photo.js";
export { writeLabelPng } from "./label-png.js";
