/** A run's files in a folder: written beside, synced, then renamed, so that a crash leaves the old or the new file and nothing in between. */
import { access, appendFile, constants, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { FileData, RunStore } from "../training/run-state.js";
import { fileError, reasonOf } from "./errors.js";

/** Makes the folder where there is none. Throws InputError where it cannot be made or written to. */
export async function runFolder(path: string): Promise<RunStore> {
  await makeFolder(path);
  return {
    async read(name) {
      const bytes = await orNull(readFile(join(path, name)));
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    async open(name) {
      const file = resolve(path, name);
      return orNull(access(file).then(() => pathToFileURL(file)));
    },
    write: (name, data) => writeAtomically(join(path, name), data),
    remove: (name) => rm(join(path, name), { force: true }),
    append: (name, line) => appendFile(join(path, name), `${line}\n`),
  };
}

/** With the folders above it. Throws InputError where something else is called so, or nothing may be written there. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
  } catch (error) {
    throw fileError(path, `no folder that can be written to is or can be made here (${reasonOf(error)}): give another`, error);
  }
}

/** Null where there is no such file. */
async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** All of the file or nothing. Throws InputError where the system refuses to write it. */
export async function writeAtomically(path: string, data: FileData): Promise<void> {
  const beside = `${path}.${process.pid}.part`;
  try {
    await synced(beside, "w", (file) => writeFile(file, data));
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    // What makes the data may fail too, and says so itself.
    if (!isSystemError(error)) throw error;
    throw fileError(path, `it cannot be written (${reasonOf(error)}): make room, or give another place`, error);
  }
  // The rename itself lasts once the folder is synced, which Windows does not let one do.
  if (process.platform !== "win32") await synced(dirname(path), "r", () => Promise.resolve());
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
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
