/** A run's files in a folder: written beside, synced, then renamed, so that a crash leaves the old or the new file and nothing in between. */
import { appendFile, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FileData, RunStore } from "../training/run-state.js";

/** Makes the folder where there is none. */
export async function runFolder(path: string): Promise<RunStore> {
  await mkdir(path, { recursive: true });
  return {
    async read(name) {
      try {
        const { buffer, byteOffset, byteLength } = await readFile(join(path, name));
        return new Uint8Array(buffer, byteOffset, byteLength);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    write: (name, data) => writeAtomically(join(path, name), data),
    remove: (name) => rm(join(path, name), { force: true }),
    append: (name, line) => appendFile(join(path, name), `${line}\n`),
  };
}

/** All of the file or nothing. */
export async function writeAtomically(path: string, data: FileData): Promise<void> {
  const beside = `${path}.${process.pid}.part`;
  try {
    await synced(beside, "w", (file) => writeFile(file, data));
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  // The rename itself lasts once the folder is synced, which Windows does not let one do.
  if (process.platform !== "win32") await synced(dirname(path), "r", () => Promise.resolve());
}

async function synced(
  path: string,
  flags: string,
  work: (file: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags);
  try {
    await work(file);
    await file.sync();
  } finally {
    await file.close();
  }
}
