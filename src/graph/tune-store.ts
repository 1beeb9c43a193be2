/** Where tuned choices are kept between runs: IndexedDB in pages and workers, a file in Node and Deno. The one file of it that names a platform. */

/** Texts by key. Both may reject: a cache is never needed. */
export interface TuneStore {
  /** For messages. */
  readonly where: string;
  read(): Promise<string | undefined>;
  /** All of it or nothing, for whoever reads at the same time. */
  write(text: string): Promise<void>;
}

const NAME = "fcn-webgpu";

/** `cache`: a folder (Node, Deno) or the name of a database (pages); default: the user's cache folder, "fcn-webgpu". Undefined where there is neither. */
export function openTuneStore(key: string, cache?: string): TuneStore | undefined {
  if ((globalThis as { indexedDB?: IDBFactory }).indexedDB) return databaseStore(key, cache ?? NAME);
  const platform = (globalThis as { process?: NodeProcess }).process;
  return platform?.getBuiltinModule ? fileStore(platform, key, cache) : undefined;
}

const TABLE = "tuning";

function databaseStore(key: string, name: string): TuneStore {
  const inTable = async <T>(mode: IDBTransactionMode, work: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(TABLE);
    const database = await settled(opening);
    try {
      const transaction = database.transaction(TABLE, mode);
      const result = await settled(work(transaction.objectStore(TABLE)));
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"));
      });
      return result;
    } finally {
      database.close();
    }
  };
  return {
    where: `IndexedDB ${name}`,
    read: () => inTable("readonly", (table) => table.get(key) as IDBRequest<string | undefined>),
    write: async (text) => void (await inTable("readwrite", (table) => table.put(text, key))),
  };
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB failed"));
    (request as Partial<IDBOpenDBRequest>).onblocked = () => reject(new Error("IndexedDB is blocked by another page"));
  });
}

/** What is used of Node, without importing it: browsers' bundlers must not see a node module here. */
interface NodeProcess {
  readonly platform: string;
  readonly pid: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  getBuiltinModule?: (<T>(name: string) => T) | undefined;
}
interface Files {
  mkdir(path: string, options: { recursive: true }): Promise<unknown>;
  readFile(path: string, encoding: "utf8"): Promise<string>;
  writeFile(path: string, text: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { force: true }): Promise<void>;
}

function fileStore(platform: NodeProcess, key: string, cache: string | undefined): TuneStore {
  const files = platform.getBuiltinModule!<Files>("node:fs/promises");
  const { join } = platform.getBuiltinModule!<{ join(...parts: string[]): string }>("node:path");
  const home = platform.getBuiltinModule!<{ homedir(): string }>("node:os").homedir();
  const folder = cache ?? join(cacheHome(platform, home, join), NAME);
  const path = join(folder, `tuning-${key}.json`);
  return {
    where: path,
    read: () =>
      files.readFile(path, "utf8").catch((error: unknown) => {
        if ((error as { code?: unknown }).code === "ENOENT") return undefined;
        throw error;
      }),
    async write(text) {
      await files.mkdir(folder, { recursive: true });
      // A name of this process's own in the same folder: renaming puts the whole text in place at once.
      const draft = `${path}.${platform.pid}-${Math.random().toString(36).slice(2)}`;
      try {
        await files.writeFile(draft, text);
        await files.rename(draft, path);
      } catch (error) {
        await files.rm(draft, { force: true });
        throw error;
      }
    },
  };
}

/** The user's folder for caches by the custom of the system. */
function cacheHome({ platform, env }: NodeProcess, home: string, join: (...parts: string[]) => string): string {
  if (platform === "win32") return env["LOCALAPPDATA"] ?? join(home, "AppData", "Local");
  if (platform === "darwin") return join(home, "Library", "Caches");
  return env["XDG_CACHE_HOME"] || join(home, ".cache");
}
