/** What a command has of the world: two streams, Ctrl-C, a GPU. Tests hand in their own. */
import type { Gpu } from "../graph/gpu.js";

export interface Io {
  /** Results: stdout. */
  readonly out: (text: string) => void;
  /** Everything else: stderr. */
  readonly err: (text: string) => void;
  /** One line that the next one replaces; where stderr is no terminal, a line every half minute. "" takes it away. */
  readonly status: (text: string) => void;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** `f16`: with two-byte storage, which not every adapter has. */
  readonly openGpu: (options?: { readonly f16: boolean }) => Promise<Gpu>;
}

/** Of a command line that cannot be meant so: exit code 2. The message names the option and the remedy. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

const LINE_EVERY_MS = 30_000;

export function processIo(signal: AbortSignal, openGpu: Io["openGpu"]): Io {
  const { stdout, stderr } = process;
  let shown = 0;
  let logged = performance.now();
  const clear = (): void => {
    if (shown > 0) stderr.write("\r\u001b[K");
    shown = 0;
  };
  return {
    out: (text) => {
      clear();
      stdout.write(`${text}\n`);
    },
    err: (text) => {
      clear();
      stderr.write(`${text}\n`);
    },
    status: (text) => {
      clear();
      if (text === "") return;
      if (stderr.isTTY) {
        // Within the line: what wraps cannot be taken back. Some terminals say that they have no columns.
        const line = text.slice(0, (stderr.columns || 80) - 1);
        stderr.write(line);
        shown = line.length;
      } else if (performance.now() - logged > LINE_EVERY_MS) {
        logged = performance.now();
        stderr.write(`${text}\n`);
      }
    },
    signal,
    openGpu,
  };
}

/** "12 s", "7 min", "3.4 h". */
export function duration(ms: number): string {
  if (ms < 90_000) return `${Math.ceil(ms / 1000)} s`;
  const minutes = Math.round(ms / 60_000);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
