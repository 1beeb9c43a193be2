// `node scripts/with-gpu.mjs -- COMMAND...`: see scripts/adapters/with-gpu.ts, which this starts under tsx.
import { register } from "tsx/esm/api";

register();
const { runWithGpu } = await import("./adapters/with-gpu.ts");
const command = process.argv.slice(2);
try {
  process.exitCode = await runWithGpu(command[0] === "--" ? command.slice(1) : command);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
