/** What went wrong, in one line, and what the shell is told of it. */
import { EXIT, UsageError } from "./io.js";

export function describeError(error: unknown): { readonly code: number; readonly line: string } {
  if (error instanceof UsageError) return { code: EXIT.usage, line: oneLine(error.message) };
  if (!(error instanceof Error)) return { code: EXIT.failed, line: oneLine(String(error)) };
  const missing = /Cannot find (?:package|module) '((?:@[\w.-]+\/)?[a-z][\w.-]*)/.exec(error.message)?.[1];
  if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND" && missing !== undefined)
    return { code: EXIT.failed, line: `this needs the optional package ${missing}: npm install ${missing}` };
  return { code: EXIT.failed, line: oneLine(inFlags(error.message)) };
}

/** The library's remedy as an option of the command line: { allow: ["conv1"] } is --allow conv1. */
function inFlags(message: string): string {
  return message.replace(
    /\{ allow: (\[[^\]]*\]) \}/g,
    (_, list: string) => `--allow ${(JSON.parse(list) as string[]).join(",")}`,
  );
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").trim();
}
