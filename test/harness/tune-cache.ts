/** A cache of tuned choices for one test: a folder in Node, a database in a page. */
interface Files {
  mkdtemp(prefix: string): Promise<string>;
  rm(path: string, options: { recursive: true; force: true }): Promise<void>;
}
interface Modules {
  getBuiltinModule?(name: "node:fs/promises"): Files;
  getBuiltinModule?(name: "node:os"): { tmpdir(): string };
}

export interface TemporaryCache extends AsyncDisposable {
  /** What `tune.cache` takes. */
  readonly cache: string;
}

export async function temporaryCache(): Promise<TemporaryCache> {
  const { process, indexedDB } = globalThis as { process?: Modules; indexedDB?: IDBFactory };
  if (!indexedDB) {
    const files = process!.getBuiltinModule!("node:fs/promises");
    const cache = await files.mkdtemp(`${process!.getBuiltinModule!("node:os").tmpdir()}/fcn-tuning-`);
    return { cache, [Symbol.asyncDispose]: () => files.rm(cache, { recursive: true, force: true }) };
  }
  const cache = `fcn-webgpu-test-${Math.random().toString(36).slice(2)}`;
  return {
    cache,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase(cache);
        request.onsuccess = () => resolve();
        request.onerror = () => reject(request.error!);
      }),
  };
}
