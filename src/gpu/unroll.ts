/**
 * Straight-line code for drivers. Loops that a shader marks with a line `// @unroll` before them are unrolled, and arrays of a function
 * whose every index is then a number become single variables: software drivers keep arrays in memory and take minutes to compile
 * what they do in seconds with variables (docs/kernels.md). `// @unroll if NAME` holds where the const NAME is not false. The file as written,
 * rolled, stays readable, and is valid and tested, but where a loop counts the lane of a subgroupBroadcast, which must be a constant.
 * Bounds and sizes are integer literals or top-level consts.
 */
import { closingBrace } from "./branches.js";

const MARK = /\/\/ @unroll\s*\n\s*for \(var (\w+) = (\w+); \1 < (\w+); \1\+\+\) \{/;
const CONDITIONAL = /\/\/ @unroll if (\w+)(\s*\n\s*for \(var \w+ = \w+; \w+ < )(\w+)/g;

type Value = (text: string) => number | undefined;

/** Throws where a marked loop has bounds that are not constant: our own bug, so a plain Error. */
export function unrollLoops(code: string): string {
  const consts = new Map<string, number>();
  for (const [, name, value] of code.matchAll(/^const (\w+): [ui]32 = (-?\d+)u?;/gm)) consts.set(name!, Number(value));
  const value: Value = (text) => (/^\d+u?$/.test(text) ? parseInt(text, 10) : consts.get(text));
  const off = new Set(Array.from(code.matchAll(/^const (\w+): bool = false;/gm), ([, name]) => name));
  code = code.replace(CONDITIONAL, (_, name: string, head: string, bound: string) =>
    // A bound that drivers cannot see, or they unroll such a loop themselves.
    off.has(name) ? `${head}select(${bound}, 0u, params.count == 0u)` : `// @unroll${head}${bound}`,
  );
  let unrolled = false;
  for (let match = MARK.exec(code); match; match = MARK.exec(code)) {
    unrolled = true;
    const [head, variable, from, to] = match as unknown as [string, string, string, string];
    const [first, end] = [from, to].map((text) => {
      const bound = value(text);
      if (bound === undefined) throw new Error(`unroll: the bound ${text} is not a constant`);
      return bound;
    }) as [number, number];
    const bodyStart = match.index + head.length;
    const bodyEnd = closingBrace(code, bodyStart);
    const body = code.slice(bodyStart, bodyEnd);
    const use = new RegExp(`\\b${variable}\\b`, "g");
    const suffix = from.endsWith("u") ? "u" : "";
    let copies = "";
    for (let i = first; i < end; i++) copies += `{${body.replace(use, `${i}${suffix}`)}}\n`;
    code = code.slice(0, match.index) + copies + code.slice(bodyEnd + 1);
  }
  return unrolled ? arraysToVariables(foldIndices(code, value), value) : code;
}

/** `[1u * 4u + 2u]` -> `[6u]`, `[(1u * 4u + 2u) / SIZE]` -> `[1u]` for a const SIZE of 4. */
function foldIndices(code: string, value: Value): string {
  return code.replace(/\[([\w+*/%() ]+)\]/g, (text, index: string) => {
    const folded = /[+*/%]/.test(index) ? evaluate(index, value) : undefined;
    return folded === undefined ? text : `[${folded}u]`;
  });
}

/** Of sums and products of numbers and consts, with parentheses; undefined where a name is no const. Division is WGSL's, of integers. */
function evaluate(text: string, value: Value): number | undefined {
  const tokens = text.match(/\w+|[+*/%()]/g) ?? [];
  let at = 0;
  const atom = (): number => {
    const token = tokens[at++] ?? "";
    if (token !== "(") return value(token) ?? NaN;
    const inner = sum();
    at++;
    return inner;
  };
  const product = (): number => {
    let result = atom();
    for (let op = tokens[at]; op === "*" || op === "/" || op === "%"; op = tokens[at]) {
      at++;
      const right = atom();
      result = op === "*" ? result * right : op === "/" ? Math.trunc(result / right) : result % right;
    }
    return result;
  };
  const sum = (): number => {
    let result = product();
    while (tokens[at] === "+") {
      at++;
      result += product();
    }
    return result;
  };
  const result = sum();
  return Number.isNaN(result) ? undefined : result;
}

/** `var a: array<T, 2>;` with only `a[0u]` and `a[1u]` in use -> `var a_0: T; var a_1: T;`, for one or two dimensions. */
function arraysToVariables(code: string, value: Value): string {
  const declaration = /^ +var (\w+): array<(?:array<(\w+), (\w+)>|(\w+)), (\w+)>;/gm;
  for (const [text, name, innerType, innerSize, type, size] of [...code.matchAll(declaration)]) {
    const depth = innerType === undefined ? 1 : 2;
    const element = new RegExp(`\\b${name}${"\\[(\\d+)u?\\]".repeat(depth)}`, "g");
    const uses = code.replace(/\/\/.*/g, "").match(new RegExp(`\\b${name}\\b`, "g"))!.length - 1;
    if (code.match(element)?.length !== uses) continue; // an index that is not a number, or a use of the whole array
    const extents = [size!, ...(innerSize === undefined ? [] : [innerSize])].map((n) => value(n)!);
    const names = extents.reduce((all, n) => all.flatMap((head) => Array.from({ length: n }, (_, i) => `${head}_${i}`)), [name!]);
    code = code.replace(text, names.map((n) => `  var ${n}: ${innerType ?? type};`).join("\n"));
    code = code.replace(element, (_, ...indices: string[]) => [name, ...indices.slice(0, depth)].join("_"));
  }
  return code;
}
