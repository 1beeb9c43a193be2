/** The Python that has PyTorch. */
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { join } from "node:path";

const FOLDER = import.meta.dirname;

const has = (python: string, module: string): boolean =>
  spawnSync(python, ["-c", `import ${module}`], { stdio: "ignore" }).status === 0;

/** The one that PYTHON names, the first of the path, or Debian's, whichever has torch; or what to do where none has. */
export function findPython(): { readonly command: string } | { readonly missing: string } {
  const named = process.env["PYTHON"];
  const tried = named === undefined ? ["python3", "/usr/bin/python3"] : [named];
  const command = tried.find((python) => has(python, "torch"));
  if (command !== undefined) return { command };
  return {
    missing: `${tried.join(" and ")} cannot import torch: apt-get install python3-torch, or name another Python in PYTHON`,
  };
}

/** Runs a script of this folder or of a path; its words go to the terminal. The package safetensors is stood in for where it is missing. Throws where no Python has torch. */
export function runPython(script: string, args: readonly string[], cwd: string): SpawnSyncReturns<Buffer> {
  const found = findPython();
  if ("missing" in found) throw new Error(found.missing);
  const python = found.command;
  const path = has(python, "safetensors.torch") ? [FOLDER] : [FOLDER, join(FOLDER, "without-safetensors")];
  const done = spawnSync(python, [script, ...args], {
    cwd,
    stdio: "inherit",
    env: { ...process.env, PYTHONPATH: path.join(":") },
  });
  if (done.error) throw done.error;
  return done;
}
