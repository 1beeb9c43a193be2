/** The JSON file of a run: written after each row, and gone on with where a run with the same settings was stopped. */
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { REPORT_FORMAT, type Report, type Row } from "./report.js";

/** Written whole or not at all: a run may be stopped at any time. */
export async function writeReport(file: string, report: Report): Promise<void> {
  const unfinished = `${file}.part`;
  await writeFile(unfinished, JSON.stringify(report, null, 1) + "\n");
  await rename(unfinished, file);
}

/** Null where there is no file yet. Throws where it holds something else. */
export async function readReport(file: string): Promise<Report | null> {
  if (!existsSync(file)) return null;
  const text = await readFile(file, "utf8");
  let report: Partial<Report> | null;
  try {
    report = JSON.parse(text) as Partial<Report> | null;
  } catch (error) {
    throw new Error(`${file} is not JSON (${(error as Error).message}): delete it, or name another file`);
  }
  if (report?.format !== REPORT_FORMAT || !Array.isArray(report.rows))
    throw new Error(`${file} is not a report of format ${REPORT_FORMAT}: delete it, or name another file`);
  return report as Report;
}

/** The rows of an earlier run that this one need not repeat. Throws where their figures are not comparable. */
export function finishedRows(earlier: Report | null, now: Omit<Report, "rows">, file: string): readonly Row[] {
  if (earlier === null) return [];
  const facts = (report: Omit<Report, "rows">): Readonly<Record<string, string>> => ({
    platform: report.platform,
    browser: report.browser,
    adapter: JSON.stringify(report.adapter),
    commit: report.commit,
    rounds: String(report.settings.rounds),
    "cap in seconds": String(report.settings.capSeconds),
    engines: report.engines.map(({ name }) => name).join(", "),
  });
  const [then, today] = [facts(earlier), facts(now)];
  for (const [fact, value] of Object.entries(then))
    if (value !== today[fact])
      throw new Error(
        `${file} was made with another ${fact} (${value}; now ${today[fact]}): its rows cannot stand beside new ones; delete it, or name another file`,
      );
  return earlier.rows;
}
