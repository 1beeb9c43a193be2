/** A folder of its own for each test of a suite, removed behind it. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface TestFolder {
  /** Of the test that runs. */
  readonly path: string;
  /** Writes a file, with the folders above it; its path. */
  put(name: string, bytes: Uint8Array | string): Promise<string>;
}

/** To be called in `describe`: makes its hooks. */
export function testFolder(prefix: string): TestFolder {
  let path = "";
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), `fcn-${prefix}-`));
  });
  afterEach(async () => {
    await rm(path, { recursive: true, force: true });
  });
  return {
    get path() {
      return path;
    },
    async put(name, bytes) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
      return file;
    },
  };
}
