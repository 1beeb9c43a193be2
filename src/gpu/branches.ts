/**
 * Drops what `if` leaves out by a top-level const, in WGSL's text: SwiftShader compiles both sides. Conditions are a const bool, or a const compared with a number; lines keep their numbers.
 */
const BRANCH = /\bif \((?:(\w+)|(\w+) == (\d+)u?)\) \{/g;

/** `if (NAME) { a } else { b }` -> `{ a }` or `{ b }`. */
export function dropDeadBranches(code: string): string {
  const consts = new Map<string, string>();
  for (const [, name, value] of code.matchAll(/^const (\w+): (?:bool|[ui]32) = (true|false|\d+)u?;/gm)) consts.set(name!, value!);
  for (let from = 0; ;) {
    BRANCH.lastIndex = from;
    const match = BRANCH.exec(code);
    if (!match) return code;
    from = match.index + 2;
    const [head, flag, name, number] = match;
    const value = consts.get(flag ?? name!);
    const taken =
      flag === undefined ? (value === undefined ? undefined : value === number) : { true: true, false: false }[value!];
    if (taken === undefined) continue;
    const start = match.index + head.length - 1;
    const end = closingBrace(code, start + 1) + 1;
    const otherwise = /^\s*else /.exec(code.slice(end))?.[0];
    const otherStart = end + (otherwise?.length ?? 0);
    const otherEnd = otherwise === undefined ? end : endOfElse(code, otherStart);
    const kept = taken
      ? code.slice(start, end) + newlines(code.slice(end, otherEnd))
      : newlines(code.slice(match.index, otherStart)) + (otherwise === undefined ? "{}" : code.slice(otherStart, otherEnd));
    code = code.slice(0, match.index) + kept + code.slice(otherEnd);
    from = match.index;
  }
}

/** Behind a block, or behind an `if` with all that follows it. */
function endOfElse(code: string, from: number): number {
  const end = closingBrace(code, code.indexOf("{", from) + 1) + 1;
  const further = code.startsWith("if ", from) ? /^\s*else /.exec(code.slice(end))?.[0] : undefined;
  return further === undefined ? end : endOfElse(code, end + further.length);
}

const newlines = (text: string): string => text.replace(/[^\n]/g, "");

/** Of the brace that is open before `from`. Throws where there is none: our own bug, so a plain Error. */
export function closingBrace(code: string, from: number): number {
  for (let i = from, depth = 1; i < code.length; i++) {
    if (code[i] === "{") depth++;
    else if (code[i] === "}" && --depth === 0) return i;
  }
  throw new Error("a block is not closed");
}
