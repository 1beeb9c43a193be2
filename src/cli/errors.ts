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

const RIGHT_NET =
  "give the --trunk, --variant, --classes and --width that these weights were made for, or bring them to this net by fcn convert";

/** The library's remedies as options of the command line: { allow: ["conv1"] } is --allow conv1. */
const IN_FLAGS: readonly (readonly [RegExp, (found: string, list: string) => string])[] = [
  [/\{ allow: (\[[^\]]*\]) \}/g, (_, list) => `--allow ${(JSON.parse(list) as string[]).join(",")}`],
  [/convert the weights, or leave \S+ out and pass \{ strict: false \}/, () => RIGHT_NET],
  [/pass them, or \{ strict: false \} to keep their values/, () => RIGHT_NET],
  [
    /leave the axis that (?:it|this) depends on out of dynamic/,
    () => "give --size, as --size 500x375: the .onnx then takes images of that size only",
  ],
  [/, or openGpu\(\{ limits: "adapter" \}\)/, () => ""],
];

function inFlags(message: string): string {
  return IN_FLAGS.reduce((text, [remedy, flags]) => text.replace(remedy, flags), message);
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").trim();
}
