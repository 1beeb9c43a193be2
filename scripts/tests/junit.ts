/** Test results as a JUnit file, which CI systems read: a testsuite per platform. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { TestResult } from "./report.js";

/** Writes the file, and its folder where there is none. */
export async function writeJunit(file: string, suites: Readonly<Record<string, readonly TestResult[]>>): Promise<void> {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${Object.entries(suites).map(formatSuite).join("")}</testsuites>\n`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

function formatSuite([name, results]: [string, readonly TestResult[]]): string {
  const count = (outcome: TestResult["outcome"]): number => results.filter((result) => result.outcome === outcome).length;
  const seconds = results.reduce((total, result) => total + result.ms, 0) / 1000;
  const head = `name="${escape(name)}" tests="${results.length}" failures="${count("failed")}" skipped="${count("skipped")}" time="${seconds}"`;
  return `  <testsuite ${head}>\n${results.map((result) => formatCase(name, result)).join("")}  </testsuite>\n`;
}

function formatCase(suite: string, { title, outcome, ms, error }: TestResult): string {
  const head = `classname="${escape([suite, ...title.slice(0, -1)].join("."))}" name="${escape(title.at(-1) ?? "")}" time="${ms / 1000}"`;
  if (outcome === "passed") return `    <testcase ${head}/>\n`;
  const body =
    outcome === "skipped"
      ? "<skipped/>"
      : `<failure message="${escape((error ?? "").split("\n")[0] ?? "")}">${escape(error ?? "")}</failure>`;
  return `    <testcase ${head}>${body}</testcase>\n`;
}

/** Also drops the control characters that XML cannot hold. */
function escape(text: string): string {
  // eslint-disable-next-line no-control-regex -- those are what is dropped
  const clean = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");
  return clean.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
