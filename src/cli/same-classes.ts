/** Whether two lists of classes are one: by its index a class of the one is counted as that of the other. */
import { InputError } from "../tensor/errors.js";

export interface NamedClasses {
  /** For messages: a file, a folder. */
  readonly of: string;
  readonly names: readonly string[];
}

interface SameOptions {
  readonly byIndex: boolean;
  /** What to do, besides saying that they are the same by their index. */
  readonly remedy?: string;
}

/** Throws InputError where they are not as many; and, but for `byIndex`, where they are called otherwise or stand in another order. */
export function expectSameClasses(
  a: NamedClasses,
  b: NamedClasses,
  { byIndex, remedy = "take the class list that the weights were trained with" }: SameOptions,
): void {
  const both = `${a.of} has ${a.names.join(", ")}; ${b.of} has ${b.names.join(", ")}`;
  if (a.names.length !== b.names.length)
    throw new InputError(
      `${a.of} has ${a.names.length} classes, but ${b.of} has ${b.names.length}: take what belongs together (${both})`,
    );
  const [left, right] = [a.names.map(spelt), b.names.map(spelt)];
  const at = left.findIndex((name, i) => name !== right[i]);
  if (at < 0 || byIndex) return;
  const isReordered = left.toSorted().join("\n") === right.toSorted().join("\n");
  throw new InputError(
    `${isReordered ? "the classes are the same but in another order" : "the classes are called otherwise"}, from index ${at} on: ${both}: ${remedy}, or --by-index where each index means the same in both`,
  );
}

/** "Dining table" and "diningtable" are one. */
function spelt(name: string): string {
  return name.toLowerCase().replace(/[\s_-]+/g, "");
}
