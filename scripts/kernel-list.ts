/**
 * The list of kernels in docs/kernels.md, made from the first sentence of each shader and from the files that dispatch it. Writes it into the
 * document; with --check it only says whether the document is up to date.
 */
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { putSection } from "./generated-section.js";
import { root } from "./paths.js";

async function sources(folder: string, ending: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(join(root, folder))).filter((name) => name.endsWith(ending)).sort();
  return new Map(
    await Promise.all(
      names.map(async (name) => [basename(name, ending), await readFile(join(root, folder, name), "utf8")] as const),
    ),
  );
}

/** The comment at the head of a shader, up to the end of its first sentence. */
function firstSentence(code: string): string {
  const comment =
    /^(?:\/\/ .*\n)+/
      .exec(code)?.[0]
      .replace(/^\/\/ /gm, "")
      .replaceAll("\n", " ") ?? "";
  return /^.*?\.(?= |$)/.exec(comment)?.[0] ?? comment;
}

async function list(): Promise<string> {
  const [shaders, families] = await Promise.all([sources("shaders", ".wgsl"), sources("src/kernels", ".ts")]);
  const rows = [...shaders].map(([name, code]) => {
    // Some are chosen by a variant's name: `binary.${variant}`, or by a constant of the family.
    const stem = name.slice(0, name.indexOf("."));
    const users = [...families]
      .filter(([, text]) => text.includes(`"${name}"`) || text.includes(`\`${stem}.\${`))
      .map(([family]) => family);
    return `| [${name}](../shaders/${name}.wgsl) | ${users.join(", ")} | ${firstSentence(code).replaceAll("|", "\\|").replaceAll("*", "\\*")} |`;
  });
  return ["| shader | family | computes |", "|---|---|---|", ...rows].join("\n");
}

await putSection(
  { document: join(root, "docs", "kernels.md"), name: "kernels", command: "npm run docs:kernels", content: await list() },
  process.argv.includes("--check"),
);
