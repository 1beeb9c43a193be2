/** One run of the page: the rows, then the profiles, with the report as it grows. */
import { messageOf, type OpenHost } from "../host.js";
import { engineNames, measure, Stopped, type Progress } from "../measure.js";
import { Clock, profileCost, rowCost } from "../progress.js";
import { REPORT_FORMAT, type Report, type Roofline, type Row } from "../report.js";
import { openRooflines, roofline } from "../rooflines.js";
import { Sessions } from "../sessions.js";
import type { Workload } from "../workloads.js";
import { rooflineRows, type Choice } from "./choice.js";
import type { BuildFacts } from "./facts.js";
import type { Here } from "./here.js";
import { hostsInWorkers } from "./worker-host.js";

export interface PageRun {
  readonly choice: Choice;
  readonly here: Here;
  readonly build: BuildFacts;
  /** As the report quotes it. */
  readonly command: string;
  readonly stopping: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** After each row and each profile. */
  readonly onReport: (report: Report) => void;
  /** What went wrong with a profile; the rows are whole. */
  readonly onProblem: (text: string) => void;
}

/** Throws Stopped when it was told to, within moments: workers are ended whatever they are doing. */
export async function runInPage(options: PageRun): Promise<void> {
  const { choice, here, build, command, stopping, onReport } = options;
  const { workloads, engines, settings } = choice;
  const openHost = hostsInWorkers(here.browser);
  const sessions = new Sessions(openHost, { sharedGpu: true });
  const rows: Row[] = [];
  const rooflines: Roofline[] = [];
  await ending(stopping, sessions.closeAll.bind(sessions), async () => {
    await sessions.openAdapter();
    const facts = {
      format: REPORT_FORMAT,
      command,
      date: new Date().toISOString(),
      commit: build.commit,
      platform: "page",
      browser: here.browser,
      adapter: sessions.adapter,
      machine: here.machine,
      settings,
    } as const;
    const report = (): void => {
      const profiles = rooflines.length > 0 ? { rooflines: [...rooflines] } : {};
      onReport({ ...facts, engines: engineNames(sessions, engines), rows: [...rows], ...profiles });
    };
    const profiled = sessions.adapter === null ? [] : rooflineRows(choice);
    const rowCosts = workloads.map((workload) => rowCost(workload, engines, settings.rounds));
    const clock = new Clock([...rowCosts, ...profiled.map(profileCost)]);
    const onRow = (row: Row): void => {
      rows.push(row);
      report();
    };
    await measure({ ...options, sessions, workloads, engines, settings, clock, load: () => null, onRow });
    await sessions.closeAll(); // nothing else may run on the device
    for (const [i, workload] of profiled.entries()) {
      const index = workloads.length + i;
      options.onProgress({ workload, index, stage: "profile of ours", done: clock.at(index, 0), leftMs: clock.leftMs() });
      const found = await profile(openHost, workload, options);
      if (found === null) continue;
      rooflines.push(found);
      report();
    }
  });
}

/** Null where it failed, which is told. */
async function profile(openHost: OpenHost, { id }: Workload, { stopping, onProblem }: PageRun): Promise<Roofline | null> {
  const host = await openRooflines(openHost);
  return await ending(
    stopping,
    () => host.close(),
    async () => {
      try {
        await host.opened;
        return (await roofline(host, id)).roofline;
      } catch (error) {
        if (!stopping.aborted) onProblem(`no roofline of ${id}: ${messageOf(error)}`);
        return null;
      }
    },
  );
}

/** Does the work, and ends its workers after it, or at once when the signal says so: then it throws Stopped. */
async function ending<T>(stopping: AbortSignal, end: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  const stop = (): void => void end();
  stopping.addEventListener("abort", stop);
  try {
    const done = await work();
    if (!stopping.aborted) return done;
  } catch (error) {
    if (!stopping.aborted) throw error;
  } finally {
    stopping.removeEventListener("abort", stop);
    await end();
  }
  throw new Stopped("stopped");
}
