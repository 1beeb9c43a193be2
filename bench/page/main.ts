/** The benchmark page: what is here, what to run, how it goes, what came of it. */
import { messageOf } from "../host.js";
import { Stopped, type Progress } from "../measure.js";
import type { Report } from "../report.js";
import { durationText } from "../text.js";
import { byId, element, notice } from "./dom.js";
import type { BuildFacts } from "./facts.js";
import { openForm, type Form } from "./form.js";
import { learnHere, type Here } from "./here.js";
import { jsonOf, showResults } from "./results.js";
import { runInPage } from "./run.js";

declare const BENCH_BUILD: BuildFacts;
const ORDER = [...BENCH_BUILD.engines.map(({ name }) => name), ...BENCH_BUILD.absent];

/** For scripts, on the root element as data-state. */
type State = "idle" | "running" | "stopping" | "done" | "stopped" | "failed";
const setState = (state: State): void => void (document.documentElement.dataset["state"] = state);

let report: Report | null = null;

function showHere({ browser, machine, adapter, missing }: Here): void {
  const facts: readonly (readonly [string, string])[] = [
    ["Adapter", adapter?.text ?? "none"],
    ["Driver", adapter?.driver || "the browser does not tell"],
    ["Features", adapter ? adapter.features.join(", ") || "none of the optional ones" : "none"],
    ["Browser", browser],
    ["Machine", `${machine.cpu}, ${machine.cores} threads, ${machine.os}`],
    ["Isolated", crossOriginIsolated ? "yes: threads, fine clock" : "no: WebAssembly on one thread, clock of 0.1 ms"],
  ];
  byId("facts").append(...facts.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text))));
  if (missing !== null) notice(`There is no WebGPU here: ${missing}. The CPU engines can be run all the same.`);
  if (adapter?.software)
    notice(
      "This is a software adapter: WebGPU runs on the CPU here, so the figures say nothing of a GPU. If the machine has one, chrome://gpu says why it is not used.",
    );
  if (BENCH_BUILD.absent.length > 0)
    notice(`Not in this build: ${BENCH_BUILD.absent.join(", ")}. Built with npm run bench:page -- --install-peers it has them.`);
}

function showProgress({ workload, stage, done, leftMs }: Progress): void {
  byId<HTMLProgressElement>("progress").value = done;
  byId("percent").textContent = `${Math.floor(100 * done)} %`;
  const left = leftMs === null ? "" : `; about ${durationText(leftMs)} left`;
  byId("stage").textContent = `${workload.id}, ${stage}${left}`;
  document.title = `${Math.floor(100 * done)} %, fcn-webgpu benchmark`;
  // A screen reader hears of rows, not of every turn.
  const said = `Row ${workload.id}: ${workload.title}`;
  if (byId("said").textContent !== said) byId("said").textContent = said;
}

function end(state: State, text: string): void {
  setState(state);
  byId("stage").textContent = text;
  byId("said").textContent = text;
  document.title = "fcn-webgpu benchmark";
}

async function run(form: Form, here: Here): Promise<void> {
  let choice;
  try {
    choice = form.read();
  } catch (error) {
    byId("running").hidden = false;
    return end("failed", `Not started: ${messageOf(error)}`);
  }
  const stopper = new AbortController();
  const stop = (): void => {
    setState("stopping");
    stopper.abort();
  };
  const hidden = (): void => {
    if (document.hidden) problems.push("the tab was in the background for a while, where browsers slow pages down");
  };
  const problems: string[] = [];
  byId("stop").addEventListener("click", stop);
  document.addEventListener("visibilitychange", hidden);
  form.lock(true);
  setState("running");
  report = null;
  byId("results").hidden = true;
  byId("running").hidden = false;
  byId("stage").textContent = "starting";
  byId("stop").focus();
  try {
    await runInPage({
      choice,
      here,
      build: BENCH_BUILD,
      command: `the benchmark page ${location.search}`.trim(),
      stopping: stopper.signal,
      onProgress: showProgress,
      onReport(grown) {
        report = grown;
        showResults(report, ORDER);
      },
      onProblem: (text) => void problems.push(text),
    });
    byId<HTMLProgressElement>("progress").value = 1;
    byId("percent").textContent = "100 %";
    end("done", ["Done", ...new Set(problems)].join("; "));
  } catch (error) {
    if (!(error instanceof Stopped)) console.error(error);
    const kept = (report as Report | null)?.rows.length ?? 0;
    end(
      error instanceof Stopped ? "stopped" : "failed",
      `${error instanceof Stopped ? "Stopped" : `Failed: ${messageOf(error)}`}; ${kept === 1 ? "1 finished row is" : `${kept} finished rows are`} kept`,
    );
  } finally {
    byId("stop").removeEventListener("click", stop);
    document.removeEventListener("visibilitychange", hidden);
    form.lock(false);
    byId("run").focus();
  }
}

function offerJson(): void {
  byId("copy").addEventListener("click", () => {
    if (report === null) return;
    navigator.clipboard.writeText(jsonOf(report)).then(
      () => (byId("copied").textContent = "Copied"),
      () => (byId("copied").textContent = "The browser does not allow it: the JSON is at the end of the page"),
    );
  });
  byId("download").addEventListener("click", () => {
    if (report === null) return;
    const url = URL.createObjectURL(new Blob([jsonOf(report)], { type: "application/json" }));
    element("a", { href: url, download: `fcn-webgpu-${report.date.slice(0, 19).replaceAll(":", "-")}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  });
}

/** Charts have a width in pixels. */
function followWidth(): void {
  let drawn = innerWidth;
  let timer: ReturnType<typeof setTimeout> | undefined;
  addEventListener("resize", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (report !== null && innerWidth !== drawn) showResults(report, ORDER);
      drawn = innerWidth;
    }, 200);
  });
}

async function main(): Promise<void> {
  byId("footer").textContent =
    `fcn-webgpu ${BENCH_BUILD.version}, commit ${BENCH_BUILD.commit}, built ${BENCH_BUILD.date.slice(0, 10)}`;
  const here = await learnHere();
  showHere(here);
  const form = openForm(BENCH_BUILD, here.adapter !== null);
  offerJson();
  followWidth();
  byId("choice").addEventListener("submit", (event) => {
    event.preventDefault();
    void run(form, here);
  });
  setState("idle");
  if (new URLSearchParams(location.search).has("autorun")) await run(form, here);
}

await main();
