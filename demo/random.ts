/** Seeded random choices: the same seed gives the same digits, scenes and batches on every machine. */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A whole number from `low` to `high`, both included. */
export type Random = (low: number, high: number) => number;

/** `stream` keeps what is drawn for one purpose apart from what is drawn, with the same seed, for another. */
export function seededRandom(seed: number, stream: string): Random {
  let mixed = seed | 0;
  for (const letter of stream) mixed = Math.imul(mixed, 31) + letter.charCodeAt(0);
  const generator = xoroshiro128plus(mixed);
  return (low, high) => uniformInt(generator, low, high);
}

/** A new array in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random(0, i);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
