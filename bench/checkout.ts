/** Which sources these are. */
import { execFileSync } from "node:child_process";
import { root } from "../scripts/paths.js";

/** Hash of the checkout, "-dirty" where files differ from it; "unknown" where this is no checkout of git. */
export function checkedOut(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain") === "" ? "" : "-dirty");
  } catch {
    return "unknown";
  }
}
