/** What JSON.parse lets through and a header must not hold: deep nesting, and the same key twice, of which it keeps the last. */

/** JSON of limited depth whose objects have each key once. `fail` is called with what is wrong. */
export function parseStrictJson(text: string, maxDepth: number, fail: (why: string) => never): unknown {
  checkNesting(text, maxDepth, fail);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return fail("the header is not JSON");
  }
}

function checkNesting(text: string, maxDepth: number, fail: (why: string) => never): void {
  /** Keys of the open objects, from outside in; null for an array. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === "{" || character === "[") {
      open.push(character === "{" ? new Set() : null);
      if (open.length > maxDepth) fail(`the header nests deeper than ${maxDepth}`);
    } else if (character === "}" || character === "]") {
      open.pop();
    } else if (character === '"') {
      const end = endOfString(text, at);
      const keys = open.at(-1);
      if (keys && followedByColon(text, end)) {
        const key = unescaped(text.slice(at, end + 1));
        if (keys.has(key)) fail(`the header has ${key} twice`);
        keys.add(key);
      }
      at = end;
    }
  }
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

function followedByColon(text: string, end: number): boolean {
  let at = end + 1;
  while (" \t\r\n".includes(text[at] ?? "x")) at++;
  return text[at] === ":";
}

/** What is no string is left as it is: JSON.parse refuses the whole. */
function unescaped(literal: string): string {
  try {
    return JSON.parse(literal) as string;
  } catch {
    return literal;
  }
}
