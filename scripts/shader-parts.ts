/**
 * What shaders share: `shaders/parts/<name>.wgsl`, put into a shader where it says so. A part starts with a comment, then may have a
 * `struct Fields`. `// @fields name` in `struct Params` stands for the fields of that, `// @include name` for what is behind it. Both leave
 * marks, by which src/gpu/source-line.ts finds a line's file again. Parts include no parts.
 */
const LINE = /^( *)\/\/ @(include|fields) ([\w-]+)$/gm;
const PART = /^(?<head>(?:\/\/ .*\n)+)(?:(?<open>struct Fields \{\n)(?<fields>[^}]*)\}\n\n?)?(?<rest>[^]*)$/;

/** Throws, naming the file, where a part is missing, has no comment at its head, or no fields to give. `parts`: name -> text. */
export function expandParts(file: string, code: string, parts: ReadonlyMap<string, string>): string {
  return code.replace(LINE, (_, indent: string, what: string, name: string) => {
    const fail = (why: string): never => {
      throw new Error(`shaders/${file}: shaders/parts/${name}.wgsl ${why}`);
    };
    const part = parts.get(name) ?? fail("does not exist");
    const { head, open, fields, rest } = (PART.exec(part) ?? fail("starts with a comment on what it is")).groups!;
    if (what === "fields" && open === undefined) fail("has no struct Fields");
    const text = what === "fields" ? fields!.replace(/^ {2}/gm, "") : rest!;
    const before = what === "fields" ? head! + open! : part.slice(0, part.length - rest!.length);
    return `${indent}// @part ${name}:${before.split("\n").length}\n${text.replace(/^(?=.)/gm, indent)}${indent}// @end`;
  });
}

/** Names of the parts that `code` asks for. */
export function partsOf(code: string): readonly string[] {
  return Array.from(code.matchAll(LINE), ([, , , name]) => name!);
}
