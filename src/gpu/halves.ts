/**
 * Buffers of f16 for shaders that are written for f32: the declaration is rewritten, and every place that reads an element or writes one, so
 * that what is computed is f32 as before. A buffer of u32 that the shader only moves holds the bits of f32 there. WGSL has no generic types; this
 * keeps one readable source for both, and the f32 code as it is written.
 */

interface Form {
  readonly element: string;
  readonly load: (element: string) => string;
  readonly store: (value: string) => string;
}

/** By the element type as it is written. */
const FORMS: Readonly<Record<string, Form>> = {
  f32: { element: "f16", load: (e) => `f32(${e})`, store: (v) => `f16(${v})` },
  vec4f: { element: "vec4<f16>", load: (e) => `vec4f(${e})`, store: (v) => `vec4<f16>(${v})` },
  u32: { element: "f16", load: (e) => `bitcast<u32>(f32(${e}))`, store: (v) => `f16(bitcast<f32>(${v}))` },
  vec4u: {
    element: "vec4<f16>",
    load: (e) => `bitcast<vec4u>(vec4f(${e}))`,
    store: (v) => `vec4<f16>(bitcast<vec4f>(${v}))`,
  },
};

/** Lines keep their numbers. Throws where a buffer is not declared as an array of a type above, or used but by its elements: our own bug, so a plain Error. */
export function withHalves(code: string, names: readonly string[]): string {
  if (names.length === 0) return code;
  for (const name of names) {
    const declaration = new RegExp(`(?<=var<storage, (?:read|read_write)> ${name}: array<)\\w+(?=>;)`).exec(code);
    const form = FORMS[declaration ? aliased(code, declaration[0]) : ""];
    if (!declaration || !form)
      throw new Error(`halves: ${name} is ${declaration ? `an array of ${declaration[0]}` : "no buffer"}: it cannot hold f16`);
    // Uses come behind the declaration; before it there may be a uniform of that name.
    const behind = declaration.index + declaration[0].length;
    code = code.slice(0, declaration.index) + form.element + rewritten(code.slice(behind), name, form);
  }
  return `enable f16; ${code}`;
}

/** What a name of the shader's own stands for: parts that serve several types have one for theirs. */
function aliased(code: string, type: string): string {
  return new RegExp(`(?<=^alias ${type} = )\\w+(?=;)`, "m").exec(code)?.[0] ?? type;
}

function rewritten(code: string, name: string, form: Form): string {
  const use = new RegExp(`(?<![.\\w])${name}\\b`, "g");
  let out = "";
  let done = 0;
  for (let match = use.exec(code); match; match = use.exec(code)) {
    const at = match.index;
    const line = code.lastIndexOf("\n", at) + 1;
    if (code.slice(line, at).includes("//")) continue;
    const open = at + name.length;
    if (code[open] !== "[") throw new Error(`halves: ${name} is used other than by its elements: ${lineAt(code, at)}`);
    const close = closingBracket(code, open);
    const element = `${name}[${rewritten(code.slice(open + 1, close), name, form)}]`;
    const assignment = /^\s*([-+*/]?)=(?!=)/.exec(code.slice(close + 1));
    if (/^(?:\.\w+|\[[^\]]*\])\s*[-+*/]?=(?!=)/.test(code.slice(close + 1)))
      throw new Error(`halves: one lane of ${name} is written: ${lineAt(code, at)}`);
    out += code.slice(done, at);
    if (!assignment) {
      out += form.load(element);
      done = close + 1;
    } else {
      const start = close + 1 + assignment[0].length;
      done = code.indexOf(";", start);
      const value = rewritten(code.slice(start, done).trim(), name, form);
      const operator = assignment[1]!;
      out += `${element} = ${form.store(operator === "" ? value : `${form.load(element)} ${operator} (${value})`)}`;
    }
    use.lastIndex = done;
  }
  return out + code.slice(done);
}

function closingBracket(code: string, open: number): number {
  for (let i = open, depth = 0; i < code.length; i++) {
    if (code[i] === "[") depth++;
    else if (code[i] === "]" && --depth === 0) return i;
  }
  throw new Error(`halves: a bracket is not closed: ${lineAt(code, open)}`);
}

function lineAt(code: string, at: number): string {
  const end = code.indexOf("\n", at);
  return code.slice(code.lastIndexOf("\n", at) + 1, end < 0 ? undefined : end).trim();
}
