/** Parts of documents that are made from the repository: between two comments, `<!-- NAME: made by COMMAND -->` and `<!-- end of NAME -->`. */
import { readFile, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { format } from "prettier";

interface Section {
  /** Absolute path of the Markdown document. */
  readonly document: string;
  readonly name: string;
  /** Which makes it anew. */
  readonly command: string;
  readonly content: string;
}

/** Writes the section into its document; with `check` it only says whether it is up to date, and fails the process where not. */
export async function putSection({ document, name, command, content }: Section, check: boolean): Promise<void> {
  const [begin, end] = [`<!-- ${name}: made by ${command} -->`, `<!-- end of ${name} -->`];
  const before = await readFile(document, "utf8");
  const [start, stop] = [before.indexOf(begin), before.indexOf(end)];
  if (start < 0 || stop < start) throw new Error(`${basename(document)} has no lines "${begin}" and "${end}"`);
  const text = `${before.slice(0, start)}${begin}\n\n${content}\n\n${before.slice(stop)}`;
  const after = await format(text, { parser: "markdown", printWidth: 130 });
  if (after === before) return;
  if (!check) return await writeFile(document, after);
  console.error(`${basename(document)}: the section ${name} is out of date: ${command}`);
  process.exitCode = 1;
}
