/** The form: filled from a choice, read back as one, and kept in the address bar. */
import type { CatalogEntry } from "../catalog.js";
import { chooseWorkloads, SUITE_NAMES } from "../suites.js";
import { WORKLOADS, type Workload } from "../workloads.js";
import { choiceFrom, QUICK, queryOf, type Choice } from "./choice.js";
import { byId, element, notice } from "./dom.js";
import type { BuildFacts } from "./facts.js";

const SUITE_TITLES: Readonly<Record<string, string>> = {
  [QUICK]: "Quick: one of each kind",
  layers: "Layers: convolutions, pooling, transposed",
  gradients: "Gradients of layers",
  nets: "Whole nets and a training step",
  growth: "Growth with stride and size",
  all: "All but growth",
};
const CUSTOM = "chosen below";

export interface Form {
  /** What it says now. Throws what to change. */
  read(): Choice;
  /** While a run is under way nothing can be changed. */
  lock(locked: boolean): void;
}

/** Fills the form from the address; what the address has wrong becomes a notice. `gpu` is whether there is WebGPU. */
export function openForm({ engines, absent }: BuildFacts, gpu: boolean): Form {
  const choice = firstChoice(engines);
  const suite = byId<HTMLSelectElement>("suite");
  suite.append(
    ...[QUICK, ...SUITE_NAMES].map((name) => element("option", { value: name }, SUITE_TITLES[name] ?? name)),
    element("option", { value: CUSTOM, hidden: true }, "Chosen below"),
  );
  byId<HTMLInputElement>("rounds").value = String(choice.settings.rounds);
  byId<HTMLInputElement>("cap").value = String(choice.settings.capSeconds);
  byId<HTMLInputElement>("roofline").checked = choice.roofline;

  const runnable = engines.filter(({ name }) => gpu || !needsGpu(name));
  byId("engines").append(
    ...engines.map((entry) => {
      const reason = runnable.includes(entry) ? null : "needs WebGPU";
      return checkbox(entry.name, entry.name, choice.engines.includes(entry), reason);
    }),
    ...absent.map((name) => checkbox(name, name, false, "not in this build")),
  );
  byId("rows").append(
    ...WORKLOADS.map(({ id, title }) =>
      checkbox(
        id,
        id,
        choice.workloads.some((w) => w.id === id),
        title,
        true,
      ),
    ),
  );
  const form = byId<HTMLFormElement>("choice");

  const checked = (box: string): string[] =>
    [...byId(box).querySelectorAll<HTMLInputElement>("input:checked:not(:disabled)")].map(({ value }) => value);
  const read = (): Choice => {
    const [rows, names] = [checked("rows"), checked("engines")];
    if (rows.length === 0) throw new Error("no row is chosen: choose a suite, or single rows");
    if (names.length === 0) throw new Error("no engine is chosen: choose one at least");
    const fields = { rounds: byId<HTMLInputElement>("rounds").value, cap: byId<HTMLInputElement>("cap").value };
    const roofline = byId<HTMLInputElement>("roofline").checked ? "on" : "off";
    return choiceFrom(new URLSearchParams({ rows: rows.join(","), engines: names.join(","), roofline, ...fields }), engines);
  };
  const show = (): void => {
    const ids = checked("rows");
    suite.value = suiteOf(ids) ?? CUSTOM;
    byId("rows-summary").textContent = `Choose single rows (${ids.length} of ${WORKLOADS.length})`;
  };
  suite.addEventListener("input", () => {
    const ids = idsOf(suiteRows(suite.value));
    for (const box of byId("rows").querySelectorAll("input")) box.checked = ids.includes(box.value);
  });
  form.addEventListener("input", () => {
    show();
    try {
      const now = read();
      history.replaceState(null, "", queryOf(now, suiteOf(idsOf(now.workloads)), runnable));
    } catch {
      // It says so when it is to run.
    }
  });
  show();
  return {
    read,
    lock(locked) {
      for (const control of form.querySelectorAll<HTMLInputElement>("input, select"))
        control.disabled = locked || "missing" in control.dataset;
      byId<HTMLButtonElement>("run").disabled = locked;
      byId<HTMLButtonElement>("stop").disabled = !locked;
    },
  };
}

function firstChoice(engines: readonly CatalogEntry[]): Choice {
  const query = new URLSearchParams(location.search);
  try {
    return choiceFrom(query, engines);
  } catch (error) {
    notice(`The address asks for what is not there: ${(error as Error).message}. This is the usual choice instead.`);
    return choiceFrom(new URLSearchParams(), engines);
  }
}

const needsGpu = (name: string): boolean => name !== "reference" && !name.endsWith("-wasm");

const idsOf = (workloads: readonly Workload[]): string[] => workloads.map(({ id }) => id);

const suiteRows = (suite: string): readonly Workload[] => chooseWorkloads(suite === QUICK ? { quick: true } : { suite });

/** The suite that has just these rows, or null. */
function suiteOf(ids: readonly string[]): string | null {
  return [QUICK, ...SUITE_NAMES].find((suite) => idsOf(suiteRows(suite)).join() === ids.join()) ?? null;
}

/** With a remark, which unless it is only `about` it says why the box cannot be checked. */
function checkbox(value: string, label: string, checked: boolean, remark: string | null, about = false): HTMLLabelElement {
  const missing = remark !== null && !about;
  const box = element("input", { type: "checkbox", value, disabled: missing, "data-missing": missing });
  box.checked = checked && !missing;
  return element(
    "label",
    { class: "check" },
    box,
    element("span", {}, label, remark === null ? null : element("small", {}, ` ${remark}`)),
  );
}
