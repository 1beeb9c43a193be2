/** Finds and reads the files of conformance cases. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type ConformanceCase, parseCases } from "../../test/conformance/format.js";

export interface CasesRead {
  readonly cases: readonly ConformanceCase[];
  /** One per file or folder that could not be read, naming it. */
  readonly errors: readonly string[];
}

/** Reads files, and of folders every `.json` and `.json.gz` in them, at any depth, in the order of their names. */
export async function readCases(paths: readonly string[]): Promise<CasesRead> {
  const cases: ConformanceCase[] = [];
  const errors: string[] = [];
  for (const path of paths) {
    const files = await filesOf(path).catch((error: unknown) => {
      errors.push(`${path}: ${messageOf(error)}`);
      return [];
    });
    for (const file of files) {
      try {
        cases.push(...parseCases(await readText(file)));
      } catch (error) {
        errors.push(`${file}: ${messageOf(error)}`);
      }
    }
  }
  return { cases, errors };
}

async function filesOf(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = await readdir(path, { recursive: true });
  const files = names.filter((name) => /\.json(\.gz)?$/.test(name)).sort();
  if (files.length === 0) throw new Error("the folder holds no .json or .json.gz file");
  return files.map((name) => join(path, name));
}

async function readText(file: string): Promise<string> {
  const bytes = await readFile(file);
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString("utf8");
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file or folder" : error.message;
}
