/** A run's log: each event as a line of JSON, and at the end why it failed, where it did. */
import type { TrainEvent } from "./events.js";
import type { RunStore } from "./run-state.js";

const LOG_FILE = "log.jsonl";

/** The last line of a run that ended with an error, which is thrown besides. The next lines are of a run that goes on. */
export interface FailedLine {
  readonly type: "failed";
  /** Null where the first stage had not begun. */
  readonly stage: string | null;
  /** The last step that was told of. */
  readonly step: number;
  /** The error's name, as DivergedError. */
  readonly error: string;
  readonly message: string;
}

/** A line of `log.jsonl`, parsed. `time`: ISO 8601. */
export type LogLine = (TrainEvent | FailedLine) & { readonly time: string };

export class RunLog {
  private at: Pick<FailedLine, "stage" | "step"> = { stage: null, step: 0 };

  private constructor(private readonly store: RunStore | undefined) {}

  /** Takes a last line away that a killed process left unfinished: the next would become part of it. */
  static async open(store: RunStore | undefined): Promise<RunLog> {
    const bytes = await store?.read(LOG_FILE);
    const end = bytes ? bytes.lastIndexOf(NEWLINE) + 1 : 0;
    if (bytes && end < bytes.length) await store!.write(LOG_FILE, bytes.subarray(0, end));
    return new RunLog(store);
  }

  async add(event: TrainEvent): Promise<TrainEvent> {
    this.at = { stage: event.stage, step: event.step };
    await this.append(event);
    return event;
  }

  /** The error itself matters more than that it could not be written down. */
  async failed(error: unknown): Promise<void> {
    const told =
      error instanceof Error ? { error: error.name, message: error.message } : { error: "Error", message: String(error) };
    await this.append({ type: "failed", ...this.at, ...told }).catch(() => undefined);
  }

  private async append(line: TrainEvent | FailedLine): Promise<void> {
    await this.store?.append(LOG_FILE, JSON.stringify({ time: new Date().toISOString(), ...line } satisfies LogLine));
  }
}

const NEWLINE = 10;
