/** `fcn COMMAND`: the commands put together, and what becomes of their errors. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { convertCommand } from "./convert.js";
import { describeError } from "./errors.js";
import { evalCommand } from "./eval.js";
import { inspectCommand } from "./inspect.js";
import { EXIT, type Io } from "./io.js";
import { predictCommand } from "./predict.js";
import { trainCommand } from "./train.js";

/**
 * Runs one command line (without the program's own name) and gives its exit code: 0 done, 1 failed, 2 a command line that cannot be meant so, 130
 * interrupted. Errors are one line on stderr; `--verbose` adds where they were thrown.
 */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  const program = programOf(io);
  try {
    await program.parseAsync(args, { from: "user" });
    return io.signal.aborted ? EXIT.interrupted : EXIT.done;
  } catch (error) {
    io.status("");
    // Help that was asked for ends so too; the parser has said what was wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const verbose = args.includes("--verbose");
    if (io.signal.aborted) {
      io.err("fcn: interrupted");
      if (verbose && error instanceof Error) io.err(error.stack ?? error.message);
      return EXIT.interrupted;
    }
    const { code, line } = describeError(error);
    io.err(`fcn: ${line}`);
    for (let cause = verbose ? error : undefined; cause instanceof Error; cause = cause.cause)
      io.err(cause.stack ?? cause.message);
    return code;
  }
}

function programOf(io: Io): Command {
  const program = new Command("fcn")
    .description("Fully convolutional networks for semantic segmentation, on WebGPU.")
    .version(packageVersion())
    .addHelpText(
      "after",
      `
Examples:
  fcn inspect --trunk vgg16 --variant 8s --size 500x375
  fcn predict photos/ --weights fcn8s.safetensors --out labelled/
  fcn train --data VOCdevkit/VOC2012 --trunk vgg16 --variants 32s,16s,8s \\
      --steps 100000 --recipe heavy --weights vgg16.safetensors --out runs/voc

"fcn COMMAND --help" shows options and examples of one command.`,
    );
  for (const command of [inspectCommand, predictCommand, convertCommand, trainCommand, evalCommand])
    program.addCommand(command(io));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, "fcn: ")),
    });
    if (command !== program) command.option("--verbose", "with an error, say where it was thrown").allowExcessArguments(false);
  }
  return program;
}

/** Two folders up from the source as from what it is compiled to. */
function packageVersion(): string {
  return (JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }).version;
}
