/** The Python that has PyTorch. */
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { join } from "node:path";

const FOLDER = import.meta.dirname;

const has = (python: string, module: string): boolean =>
  spawnSync(python, ["-c", `import ${module}`], { stdio: "ignore" }).status === 0;

/** The one that PYTHON names, the first of the path, or Debian's, whichever has torch. Throws where none has. */
function findPython(): string {
  const named = process.env["PYTHON"];
  const tried = named === undefined ? ["python3", "/usr/bin/python3"] : [named];
  const found = tried.find((python) => has(python, "torch"));
  if (found === undefined)
    throw new Error(
      `${tried.join(" and ")} cannot import torch: apt-get install python3-torch, or name another Python in PYTHON`,
    );
  return found;
}

/** Runs a script of this folder or of a path; its words go to the terminal. The package safetensors is stood in for where it is missing. */
export function runPython(script: string, args: readonly string[], cwd: string): SpawnSyncReturns<Buffer> {
  const python = findPython();
  const path = has(python, "safetensors.torch") ? [FOLDER] : [FOLDER, join(FOLDER, "without-safetensors")];
  const done = spawnSync(python, [script, ...args], {
    cwd,
    stdio: "inherit",
    env: { ...process.env, PYTHONPATH: path.join(":") },
  });
  if (done.error) throw done.error;
  return done;
}
