/** Progress of the long steps: a bar with the time left in a terminal, a line now and then in a log, a line at the end of each step in both. */
import { Presets, SingleBar } from "cli-progress";

/** Told how many units are done and what to say beside the bar. */
export type Advance = (done: number, note?: string) => void;

export interface Progress {
  /** Runs one step of `total` units under a bar; the line it leaves behind says how long it took and the last note. */
  step<T>(title: string, total: number, work: (advance: Advance) => Promise<T>): Promise<T>;
  say(line: string): void;
}

/** Between two lines of a step in a log. */
const LOG_EVERY_MS = 15_000;

export function terminalProgress(): Progress {
  return {
    async step(title, total, work) {
      const started = performance.now();
      const bar = new SingleBar(
        {
          format: `${title.padEnd(34)} {bar} {percentage}% · {eta_formatted} left · {note}`,
          hideCursor: true,
          clearOnComplete: true,
          etaBuffer: 20,
          barsize: 24,
        },
        Presets.shades_classic,
      );
      let last = "";
      let logged = started;
      bar.start(total, 0, { note: "" });
      try {
        const result = await work((done, note) => {
          if (note !== undefined) last = note;
          bar.update(done, { note: last });
          if (!process.stdout.isTTY && performance.now() - logged > LOG_EVERY_MS) {
            logged = performance.now();
            const left = ((logged - started) / done) * (total - done);
            console.log(`  ${title}: ${done} of ${total} · ${seconds(left)} left · ${last}`);
          }
        });
        bar.stop();
        console.log(`${title.padEnd(34)} ${seconds(performance.now() - started)}${last === "" ? "" : ` · ${last}`}`);
        return result;
      } finally {
        bar.stop();
      }
    },
    say: (line) => console.log(line),
  };
}

/** For tests: says nothing. */
export function silentProgress(): Progress {
  return { step: (_title, _total, work) => work(() => undefined), say: () => undefined };
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
