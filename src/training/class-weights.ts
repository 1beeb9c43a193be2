/** Factors on the classes' losses from how often they occur. The paper found balancing unnecessary (section 4.3); for sets with rare small things others do it. */
import { InputError } from "../tensor/errors.js";
import { DECODED_AHEAD, type EvaluateOptions } from "./evaluate.js";
import { prefetched, VOID, type SampleSource } from "./sample.js";

/**
 * Median frequency balancing (Eigen and Fergus, ICCV 2015, section 6.3.2): the median of the classes' frequencies by the class's own, which is its pixels by all that
 * count in the images that it occurs in. A class that never occurs gets 1. Reads the whole set once, `onProgress` is told of stage "class weights". Throws the
 * signal's reason, InputError for a sample that cannot be read and a set without labels.
 *
 * @example stagesOf({ net: { trunk: "vgg16", classes: 11, classWeights: await medianFrequencyWeights(train) }, ... })
 */
export async function medianFrequencyWeights(
  source: SampleSource,
  { signal, onProgress }: Pick<EvaluateOptions, "signal" | "onProgress"> = {},
): Promise<readonly number[]> {
  const classes = source.classes.length;
  const [own, among] = [new Float64Array(classes), new Float64Array(classes)];
  const loads = Array.from({ length: source.length }, (_, index) => () => source.load(index));
  let done = 0;
  for await (const { labels } of prefetched(loads.values(), DECODED_AHEAD)) {
    signal?.throwIfAborted();
    const counts = new Uint32Array(VOID + 1);
    for (const label of labels) counts[label]!++;
    const valid = labels.length - counts[VOID]!;
    for (let label = 0; label < classes; label++) {
      own[label]! += counts[label]!;
      if (counts[label]! > 0) among[label]! += valid;
    }
    onProgress?.({ stage: "class weights", done: ++done, total: source.length });
  }
  const frequencies = own.map((pixels, label) => pixels / among[label]!);
  const sorted = frequencies.filter((f) => !Number.isNaN(f)).sort();
  if (sorted.length === 0) throw new InputError("medianFrequencyWeights: the set has no pixel that counts: check its labels");
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return [...frequencies].map((frequency) => (Number.isNaN(frequency) ? 1 : median / frequency));
}
