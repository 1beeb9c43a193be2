/** A data set of format "folder": pictures of stripes of three classes, bright as their class; and a narrow net for them. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { fcn, initialWeights, type FcnOptions, type Weights } from "../../src/index.js";

export const [WIDTH, HEIGHT] = [40, 32];

/** Images called 0, 1, ...; in each the stripes begin with another class. Lists are the test's. */
export async function writeStripes(folder: string, { images = 4, labelSuffix = "" } = {}): Promise<void> {
  for (const name of ["images", "labels"]) await mkdir(join(folder, name), { recursive: true });
  const raw = { width: WIDTH, height: HEIGHT, channels: 1 } as const;
  for (let n = 0; n < images; n++) {
    const labels = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => (((i % WIDTH) >> 3) + n) % 3);
    const photo = labels.map((label, i) => 60 + 80 * label + ((i * 37) % 23));
    await sharp(photo, { raw })
      .toColourspace("srgb")
      .png()
      .toFile(join(folder, "images", `${n}.png`));
    await sharp(labels, { raw })
      .toColourspace("b-w")
      .png()
      .toFile(join(folder, "labels", `${n}${labelSuffix}.png`));
  }
  const classes = "0\tdark\t10,20,30\n1\tgrey\t90,90,90\n2\tbright\t250,240,1\n3\tvoid\t255,255,255\n";
  await writeFile(join(folder, "classes.txt"), classes);
}

export const STRIPED_NET = { trunk: "lenet", variant: "4s", classes: 3, width: 0.2 } as const satisfies FcnOptions;

/** Score layers start at zero; these see every class. `times` takes them beyond what two bytes hold. */
export function livelyWeights(times = 1): Weights {
  return new Map(
    [...initialWeights(fcn({ ...STRIPED_NET, size: [HEIGHT, WIDTH] }))].map(([name, { shape, data }]) => [
      name,
      { shape, data: name.startsWith("score") ? data.map((_, i) => times * Math.sin(i * 12.9898)) : data },
    ]),
  );
}
