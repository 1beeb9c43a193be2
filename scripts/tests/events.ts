/** What a test platform reports while it runs, and how mocha's runner is turned into it: the same in Node and in a page. */

export type TestEvent =
  | { readonly type: "start" | "skip"; readonly title: readonly string[] }
  | { readonly type: "pass"; readonly title: readonly string[]; readonly ms: number }
  | { readonly type: "fail"; readonly title: readonly string[]; readonly ms: number; readonly error: string }
  | { readonly type: "adapter"; readonly line: string }
  | { readonly type: "gpu-error"; readonly text: string }
  /** The platform ran to its end: without it, it died. */
  | { readonly type: "end" };

/** Where a test lies: titles of the suites around it, then its own. */
export type TestTitle = readonly string[];

/** A test has this long, unless it sets its own: software adapters compile slowly. */
export const TEST_TIMEOUT_MS = 180_000;

interface MochaTest {
  titlePath(): string[];
  readonly duration?: number | undefined;
}

/** The part of mocha's Runner that is used: Node's types and the browser build agree on it. */
export interface MochaRunner {
  on(event: string, listener: (test: MochaTest, error: unknown) => void): unknown;
}

export function forwardEvents(runner: MochaRunner, send: (event: TestEvent) => void): void {
  runner.on("test", (test) => send({ type: "start", title: test.titlePath() }));
  runner.on("pending", (test) => send({ type: "skip", title: test.titlePath() }));
  runner.on("pass", (test) => send({ type: "pass", title: test.titlePath(), ms: test.duration ?? 0 }));
  runner.on("fail", (test, error) =>
    send({ type: "fail", title: test.titlePath(), ms: test.duration ?? 0, error: describeError(error) }),
  );
  runner.on("end", () => send({ type: "end" }));
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const heading = `${error.name}: ${error.message}`;
  const stack = error.stack ?? "";
  // Firefox's stacks do not repeat the message.
  return stack.includes(error.message) ? stack : `${heading}\n${stack}`;
}
