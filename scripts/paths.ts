/** Where things lie, for every script: the repository, its cache and the material beside it. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository root. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Unpacked binaries and other things that can be made again; ignored by git. */
export const cacheFolder = join(root, ".cache");

/** Conformance cases and data laid beside the repository, or null where a clone stands alone. */
export function sharedFolder(): string | null {
  const folder = join(dirname(root), "shared");
  return existsSync(folder) ? folder : null;
}
