/** What goes wrong with files, in words: the file first, then what was found, then the remedy. */
import { InputError } from "../tensor/errors.js";

export function fileError(file: string, problem: string, cause?: unknown): InputError {
  return new InputError(`${file}: ${problem}`, cause === undefined ? undefined : { cause });
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
