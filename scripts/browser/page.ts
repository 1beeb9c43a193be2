/**
 * The page's half of the page runner. An entry module exports `main(page)`; the runner bundles it behind `startPage`, which hands it its
 * arguments and sends what it reports back to the runner over HTTP.
 */
import { hurryFirefoxMaps } from "./firefox-maps.js";
import { reportGpuErrors } from "./gpu-errors.js";

/** What an entry's `main` gets. Everything that crosses is JSON: no typed arrays, no NaN. */
export interface Page {
  /** The `args` given to `runInBrowser`. */
  readonly args: unknown;
  /** The adapter's name where the browser keeps it from pages (Firefox), else null: read GPUAdapterInfo. */
  readonly hiddenAdapter: string | null;
  /** Sends a message to the runner's `onMessage`; messages arrive in order, in batches. */
  send(message: unknown): void;
  /** The next message from the runner's `outbox`, when there is one. */
  receive(): Promise<unknown>;
}

/** What the page fetches first. */
export type PageStart = Pick<Page, "args" | "hiddenAdapter">;

/** What the page posts; the runner tells the kinds apart. */
export type PageEvent =
  | { readonly kind: "message"; readonly message: unknown }
  | { readonly kind: "console"; readonly level: "log" | "warn" | "error"; readonly text: string }
  | { readonly kind: "gpu-error"; readonly text: string }
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "failure"; readonly text: string };

/** Runs `main` and reports how it ended. Called by the bundle that the runner makes, once per page. */
export async function startPage(main: (page: Page) => Promise<unknown>): Promise<void> {
  const post = openChannel();
  reportConsole(post);
  if ("gpu" in navigator) reportGpuErrors(GPUAdapter, (text) => post({ kind: "gpu-error", text }));
  if ("gpu" in navigator && navigator.userAgent.includes("Firefox")) hurryFirefoxMaps();
  try {
    const start = (await (await fetch("/start")).json()) as PageStart;
    const result = await main({ ...start, send: (message) => post({ kind: "message", message }), receive });
    post({ kind: "result", result: result ?? null });
  } catch (error) {
    post({ kind: "failure", text: describe(error) });
  }
}

/** Asks until there is a message: the server answers "nothing yet" (204) before the browser gives a request up. */
async function receive(): Promise<unknown> {
  for (;;) {
    const response = await fetch("/receive");
    if (response.status === 200) return ((await response.json()) as { readonly message: unknown }).message;
  }
}

/** Posts events in order; those that arrive while a request is under way go together in the next. */
function openChannel(): (event: PageEvent) => void {
  const waiting: PageEvent[] = [];
  let sending = false;
  const flush = async (): Promise<void> => {
    sending = true;
    while (waiting.length > 0) {
      const body = JSON.stringify(waiting.splice(0));
      await fetch("/events", { method: "POST", body });
    }
    sending = false;
  };
  return (event) => {
    waiting.push(event);
    if (!sending) void flush();
  };
}

function reportConsole(post: (event: PageEvent) => void): void {
  for (const level of ["log", "warn", "error"] as const) {
    const original = console[level].bind(console);
    console[level] = (...values: unknown[]) => {
      original(...values);
      post({ kind: "console", level, text: values.map(describe).join(" ") });
    };
  }
  addEventListener("error", (event) => post({ kind: "console", level: "error", text: describe(event.error ?? event.message) }));
  addEventListener("unhandledrejection", (event) =>
    post({ kind: "console", level: "error", text: `unhandled rejection: ${describe(event.reason)}` }),
  );
}

function describe(value: unknown): string {
  if (value instanceof Error) {
    const heading = `${value.name}: ${value.message}`;
    // Chromium's stack repeats the message, Firefox's does not.
    return value.stack === undefined ? heading : value.stack.startsWith(heading) ? value.stack : `${heading}\n${value.stack}`;
  }
  return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
}
