/**
 * Unrolling of the loops that a shader marks with a line `// @unroll` before them: the rolled form stays readable and valid, the
 * unrolled one gives the driver straight-line code with constant array indices. Bounds are integer literals or top-level consts.
 */
const MARK = /\/\/ @unroll\s*\n\s*for \(var (\w+) = (\w+); \1 < (\w+); \1\+\+\) \{/;

/** Throws where a marked loop has bounds that are not constant: our own bug, so a plain Error. */
export function unrollLoops(code: string): string {
  const consts = new Map<string, number>();
  for (const [, name, value] of code.matchAll(/^const (\w+): [ui]32 = (-?\d+)u?;/gm)) consts.set(name!, Number(value));
  const bound = (text: string): number => {
    const value = /^\d+u?$/.test(text) ? parseInt(text, 10) : consts.get(text);
    if (value === undefined) throw new Error(`unroll: the bound ${text} is not a constant`);
    return value;
  };
  for (let match = MARK.exec(code); match; match = MARK.exec(code)) {
    const [head, variable, from, to] = match as unknown as [string, string, string, string];
    const start = match.index + head.length;
    const end = closingBrace(code, start);
    const body = code.slice(start, end);
    const suffix = from.endsWith("u") ? "u" : "";
    let unrolled = "";
    for (let i = bound(from); i < bound(to); i++) unrolled += `{${body.replace(new RegExp(`\\b${variable}\\b`, "g"), `${i}${suffix}`)}}\n`;
    code = code.slice(0, match.index) + unrolled + code.slice(end + 1);
  }
  return code;
}

function closingBrace(code: string, from: number): number {
  for (let i = from, depth = 1; i < code.length; i++) {
    if (code[i] === "{") depth++;
    else if (code[i] === "}" && --depth === 0) return i;
  }
  throw new Error("unroll: a marked loop is not closed");
}
