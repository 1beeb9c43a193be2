/** The photos and the weights beside the repository, opened when a run first needs them. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cached, openDataSet } from "../src/data/index.js";
import type { Weights } from "../src/index.js";
import type { SampleSource } from "../src/training/index.js";
import { readManifest } from "../src/weights/index.js";
import type { Pretrained, Scale, SetName } from "./runs.js";

export type Split = "train" | "val" | "test";

const SHARED = join(import.meta.dirname, "..", "..", "shared", "data");

export class Sets implements Disposable {
  private readonly open = new Map<string, Promise<{ readonly source: SampleSource; readonly close: () => void }>>();

  constructor(private readonly scale: Scale) {}

  async of(set: SetName, split: Split): Promise<SampleSource> {
    const key = `${set} ${split}`;
    let opened = this.open.get(key);
    if (!opened) {
      const size = set === "camvid" ? this.scale.size : this.scale.petSize;
      opened = openDataSet(join(SHARED, set), { split, threads: 1, ...(size ? { size } : {}) }).then((data) => ({
        source: cached(data),
        close: () => data[Symbol.dispose](),
      }));
      this.open.set(key, opened);
    }
    return (await opened).source;
  }

  async weights(name: Pretrained): Promise<Weights> {
    return (await readManifest(pathToFileURL(join(SHARED, "weights", `${name}.json`)))).tensors;
  }

  [Symbol.dispose](): void {
    for (const opened of this.open.values())
      void opened.then(
        ({ close }) => close(),
        () => undefined,
      );
  }
}
