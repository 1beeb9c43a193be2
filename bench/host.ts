/** A session as the runner sees it, wherever it runs: a process of Node, a browser, a worker of a page. */
import type { Answer } from "./session.js";

/** Not done in time. */
export class TimeoutError extends Error {}

/** The session's device was gone before the command began: another engine's doing, or the driver's. */
export class LostBeforeError extends Error {}

export interface Host {
  /** The first answer, which comes without a command. Rejects as `ask` does. */
  readonly opened: Promise<unknown>;
  /** Rejects with what the engine threw, with LostBeforeError, with TimeoutError, or with how the session ended. */
  ask(command: unknown, timeoutMs: number): Promise<unknown>;
  /** Name and version of the browser, or of Node; known once it was opened. */
  readonly browser: string;
  /** Ends the session, whatever it is doing. */
  close(): Promise<void>;
}

/**
 * Starts a session at once. `module` exports `main(channel)`; `engine` is which of its engines it shall be. "beside": in a process of Node beside
 * the browser, where there can be one.
 */
export type OpenHost = (where: "platform" | "beside", module: string, engine: string) => Promise<Host>;

const OPEN_TIMEOUT_MS = 120_000;

/** One session's two queues: commands out, answers in, in order. */
export class Mailbox {
  private readonly answers: Answer[] = [];
  private readonly commands: unknown[] = [];
  private wakeAsker: () => void = () => undefined;
  private wakeChild: () => void = () => undefined;
  private ended: Error | null = null;

  answer(answer: Answer): void {
    this.answers.push(answer);
    this.wakeAsker();
  }

  command(command: unknown): void {
    this.commands.push(command);
    this.wakeChild();
  }

  end(reason: Error): void {
    this.ended ??= reason;
    this.wakeAsker();
  }

  async nextCommand(): Promise<unknown> {
    while (this.commands.length === 0) await new Promise<void>((resolve) => (this.wakeChild = resolve));
    return this.commands.shift();
  }

  async nextAnswer(timeoutMs: number): Promise<unknown> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let late = false;
    try {
      while (this.answers.length === 0) {
        if (this.ended) throw this.ended;
        if (late) throw new TimeoutError(`not done in ${(timeoutMs / 1000).toFixed(0)} s`);
        await new Promise<void>((resolve) => {
          this.wakeAsker = resolve;
          timer ??= setTimeout(() => {
            late = true;
            this.wakeAsker();
          }, timeoutMs);
        });
      }
    } finally {
      clearTimeout(timer);
    }
    const answer = this.answers.shift()!;
    if ("reply" in answer) return answer.reply;
    throw answer.lostBefore ? new LostBeforeError(answer.error) : new Error(answer.error);
  }
}

/** `name` is asked for each time: a browser tells its version when it has started. */
export function hostOf(mailbox: Mailbox, name: () => string, close: () => Promise<void>): Host {
  const opened = mailbox.nextAnswer(OPEN_TIMEOUT_MS);
  opened.catch(() => undefined);
  return {
    opened,
    get browser() {
      return name();
    },
    async ask(command, timeoutMs) {
      mailbox.command(command);
      return await mailbox.nextAnswer(timeoutMs);
    },
    close,
  };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
