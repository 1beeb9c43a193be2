/**
 * Times this engine, its CPU reference and its peers on the same workloads:
 *
 *     npm run bench -- [--on chromium|node|firefox] [--suite layers|gradients|nets|growth|all] [--quick] [--only REGEX]
 *                      [--engines ours,reference,tfjs,ort,litert,jax] [--rounds N] [--cap SECONDS] [--json FILE]
 *     npm run bench -- --roofline [--on chromium|node|firefox] [--only REGEX] [--variant NAME]
 *
 * docs/benchmarks.md says what the figures mean. Fails where ours is wrong or fails.
 */
import { cpus, loadavg, release, type as system } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { adapterText } from "./adapter-name.js";
import { chooseEngines, needsPeers, type CatalogEntry } from "./catalog.js";
import { checkedOut } from "./checkout.js";
import { hostsOn } from "./hosts.js";
import { installPeers } from "./install-peers.js";
import { engineNames, measure } from "./measure.js";
import { Clock, rowCost } from "./progress.js";
import { PLATFORMS, REPORT_FORMAT, type CommandPlatform, type Report, type Row, type Settings } from "./report.js";
import { finishedRows, readReport, writeReport } from "./report-file.js";
import { printRooflines } from "./roofline-report.js";
import { Sessions } from "./sessions.js";
import { chooseWorkloads } from "./suites.js";
import { durationText, rowText } from "./text.js";
import type { Workload } from "./workloads.js";

interface Choice {
  readonly platform: CommandPlatform;
  readonly workloads: readonly Workload[];
  readonly engines: readonly CatalogEntry[];
  readonly settings: Settings;
  /** Absolute. */
  readonly json: string | null;
  /** Profile instead of compare: these, or where the caller named none, those that it is for. */
  readonly roofline: { readonly only: readonly Workload[] | null; readonly variant: string | undefined } | null;
}

function choose(args: readonly string[]): Choice {
  const { values } = parseArgs({
    args: [...args],
    options: {
      on: { type: "string", default: "chromium" },
      suite: { type: "string" },
      engines: { type: "string" },
      only: { type: "string" },
      json: { type: "string" },
      quick: { type: "boolean" },
      roofline: { type: "boolean" },
      variant: { type: "string" },
      rounds: { type: "string", default: "5" },
      cap: { type: "string", default: "60" },
    },
  });
  const platform = PLATFORMS.find((name) => name === values.on);
  if (platform === undefined) throw new Error(`--on: there is no platform ${values.on}: use ${PLATFORMS.join(", ")}`);
  if (values.variant !== undefined && !values.roofline) throw new Error("--variant: it is for --roofline: give both");
  const foreign = values.roofline && (["engines", "json"] as const).find((name) => values[name] !== undefined);
  if (foreign) throw new Error(`--${foreign}: --roofline profiles this engine alone, to the terminal: leave one of them out`);
  const workloads = chooseWorkloads(values);
  return {
    platform,
    workloads,
    roofline: values.roofline ? { only: values.only === undefined ? null : workloads, variant: values.variant } : null,
    engines: chooseEngines(values.engines, platform),
    settings: { rounds: wholeNumber("--rounds", values.rounds), capSeconds: wholeNumber("--cap", values.cap) },
    // npm starts this in the repository, wherever it was called.
    json: values.json === undefined ? null : resolve(process.env["INIT_CWD"] ?? process.cwd(), values.json),
  };
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} is ${text}: use a whole number of at least 1`);
  return value;
}

async function bench(
  choice: Choice,
  args: readonly string[],
  sessions: Sessions,
  stopping: AbortSignal,
): Promise<readonly Row[]> {
  const { platform, workloads, engines, settings, json } = choice;
  await sessions.openAdapter();
  const report = (rows: readonly Row[]): Report => ({ ...facts, engines: engineNames(sessions, engines), rows });
  const facts = {
    format: REPORT_FORMAT,
    command: ["npm run bench --", ...args].join(" "),
    date: new Date().toISOString(),
    commit: checkedOut(),
    platform,
    browser: sessions.browser,
    adapter: sessions.adapter,
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, os: `${system()} ${release()}` },
    settings,
  } as const;
  console.log(`${sessions.browser}; ${adapterText(sessions.adapter)}; commit ${facts.commit}`);

  const earlier = json === null ? null : await readReport(json);
  const rows = json === null ? [] : [...finishedRows(earlier, report([]), json)];
  const left = workloads.filter(({ id }) => !rows.some((row) => row.id === id));
  if (left.length < workloads.length) console.log(`${workloads.length - left.length} rows are in ${json} already`);
  let said = -1;
  await measure({
    sessions,
    workloads: left,
    engines,
    settings,
    clock: new Clock(left.map((workload) => rowCost(workload, engines, settings.rounds))),
    stopping,
    load: () => loadavg()[0]!,
    onProgress({ workload, index, stage, leftMs }) {
      const time = leftMs === null ? "" : `, about ${durationText(leftMs)} left`;
      const where = `[${index + 1} of ${left.length}${time}] ${workload.id}`;
      if (!process.stdout.isTTY && said !== index) console.log(where);
      said = index;
      showProgress(`${where} ${stage}`);
    },
    async onRow(row) {
      rows.push(row);
      showProgress("");
      console.log(rowText(row));
      if (json !== null) await writeReport(json, report(rows));
    },
  });
  return rows;
}

/** One line that is written over; a terminal's only. */
function showProgress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${text}`);
}

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  const choice = choose(args);
  if (choice.roofline) {
    await printRooflines(choice.platform, choice.roofline);
    return 0;
  }
  if (choice.engines.some(needsPeers)) await installPeers();
  const sessions = new Sessions(hostsOn(choice.platform), { sharedGpu: false });
  const stopper = new AbortController();
  const stop = (): void => {
    if (stopper.signal.aborted) return; // a terminal and with-gpu both say it
    stopper.abort();
    console.log(`\nstopping${choice.json === null ? "" : `: finished rows are in ${choice.json}`}`);
    void sessions.closeAll();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  try {
    const rows = await bench(choice, args, sessions, stopper.signal);
    const bad = rows.filter(({ entries }) => entries.some((e) => e.engine === "ours" && e.status !== "ok"));
    if (bad.length > 0) console.error(`ours is not ok in ${bad.map(({ id }) => id).join(", ")}`);
    return bad.length > 0 ? 1 : 0;
  } catch (error) {
    if (stopper.signal.aborted) return 130;
    throw error;
  } finally {
    await sessions.closeAll();
  }
}

await main().then(
  // Not left to the event loop: Dawn keeps it alive for a while.
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
