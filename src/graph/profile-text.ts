/** A profile for people, and for trace viewers. */
import type { Profile } from "./profile.js";
import { table } from "./table.js";

type Figures = Omit<Profile, "toTable" | "toTrace">;

const percent = (fraction: number | undefined): string => (fraction === undefined ? "" : (100 * fraction).toFixed(1));

export function profileTable(profile: Figures): string {
  const { rows, gpuMs, wallMs, clock, replayMs, gapMs, submitMs, replays, dispatches, submits, device, warnings } = profile;
  const cells = rows.map((r) => [
    r.node,
    r.op,
    r.variant,
    r.gpuMs.toFixed(3),
    percent(gpuMs > 0 ? r.gpuMs / gpuMs : 0),
    r.gflops.toFixed(2),
    r.gbps.toFixed(2),
    ...(device ? [percent(r.peakFraction), percent(r.bandwidthFraction), r.bound!] : []),
  ]);
  const header = ["node", "op", "variant", "ms", "%", "GFLOP/s", "GB/s", ...(device ? ["% peak", "% copy", "bound by"] : [])];
  const us = (ms: number): string => `${((1e3 * ms) / Math.max(1, dispatches)).toFixed(1)} us`;
  return [
    table(header, cells),
    `${gpuMs.toFixed(3)} ms in kernels (${clock}), ${wallMs.toFixed(3)} ms a run`,
    `one behind another ${replayMs.toFixed(3)} ms: gaps of ${gapMs.toFixed(3)} ms, ${us(gapMs)} a dispatch; ${dispatches} dispatches in ${submits} submits, encoded and submitted in ${submitMs.toFixed(3)} ms, ${us(submitMs)} a dispatch over ${replays * dispatches}`,
    ...(device
      ? [
          `device: ${device.peakGflops.toFixed(1)} GFLOP/s of multiply-adds, ${device.copyGbps.toFixed(1)} GB/s of copying, ${(1e3 * device.launchMs).toFixed(1)} us a launch`,
        ]
      : []),
    ...warnings.map((w) => `note: ${w}`),
  ].join("\n");
}

/** Trace Event Format: times in us. */
export function profileTrace({ rows, gpuMs, wallMs, gapMs, clock, warnings, device }: Figures): string {
  const lane = (tid: number, name: string): object => ({ ph: "M", name: "thread_name", pid: 1, tid, args: { name } });
  let at = 0;
  const kernels = rows.map(({ node, gpuMs: ms, ...args }) => {
    const event = { ph: "X", name: node, cat: args.op, pid: 1, tid: 1, ts: 1e3 * at, dur: 1e3 * ms, args };
    at += ms;
    return event;
  });
  return JSON.stringify({
    displayTimeUnit: "ms",
    otherData: { clock, gpuMs, wallMs, gapMs, warnings, ...(device ? { device } : {}) },
    traceEvents: [
      lane(1, "kernels, by repetition"),
      lane(2, "a run, submit to done"),
      ...kernels,
      { ph: "X", name: "run", cat: "wall", pid: 1, tid: 2, ts: 0, dur: 1e3 * wallMs, args: { gapMs } },
    ],
  });
}
