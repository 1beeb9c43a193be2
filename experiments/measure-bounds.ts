/** `npm run experiments:bounds`: the bounds of stride-bounds.ts, into experiments/results. No training, no GPU. */
import { writeFile } from "node:fs/promises";
import { strideBound, type LabelMap } from "../demo/bounds.js";
import { commitNow } from "./results.js";
import { SCALES, type ScaleName, type SetName } from "./runs.js";
import { Sets } from "./sets.js";
import { BOUNDS_FILE, STRIDES, type StrideBounds } from "./stride-bounds.js";

async function boundsOf(scale: ScaleName, set: SetName): Promise<StrideBounds["rows"][number]> {
  using sets = new Sets(SCALES[scale]);
  const source = await sets.of(set, "test");
  const maps: LabelMap[] = [];
  for (let i = 0; i < source.length; i++) maps.push(await source.load(i));
  const classes = source.classes.length;
  const meanIU = STRIDES.map((stride) => strideBound(maps, { classes, stride }).meanIU);
  console.log(`${scale} ${set}: ${STRIDES.map((stride, i) => `${stride}: ${(100 * meanIU[i]!).toFixed(1)}`).join(", ")}`);
  return { scale, set, images: maps.length, meanIU };
}

const rows: StrideBounds["rows"][number][] = [];
for (const scale of ["160x120", "320x240"] as const)
  for (const set of ["camvid", "pets"] as const) rows.push(await boundsOf(scale, set));
const found: StrideBounds = { rows, command: "npm run experiments:bounds", commit: commitNow(), date: new Date().toISOString() };
await writeFile(BOUNDS_FILE, `${JSON.stringify(found, null, 1)}\n`);
