import { expect } from "chai";
import { expandParts, partsOf } from "../../scripts/shader-parts.js";
import { sourceLine } from "../../src/gpu/source-line.js";

const PART = `// The size.
// In pixels.
struct Fields {
  size: u32,
  pitch: u32, // in memory
}

fn place() -> u32 {
  return params.pitch;
}
`;
const parts = new Map([
  ["size", PART],
  ["body", "// Within main.\nif (a) {\n  b();\n}\n"],
  ["bare", "fn f() {}\n"],
]);
const SHADER = `// Does something.
struct Params {
  // @fields size
  last: u32,
}
// @include size

fn main() {
  // @include body
  c();
}
`;

describe("parts of shaders", () => {
  const code = expandParts("a.direct.wgsl", SHADER, parts);

  it("stand where they are included, as far in as the line", () => {
    expect(code.replace(/^ *\/\/ @.*\n/gm, "")).to.equal(`// Does something.
struct Params {
  size: u32,
  pitch: u32, // in memory
  last: u32,
}
fn place() -> u32 {
  return params.pitch;
}

fn main() {
  if (a) {
    b();
  }
  c();
}
`);
  });

  it("are found in the text", () => {
    expect(partsOf(SHADER)).to.deep.equal(["size", "size", "body"]);
  });

  it("leave shaders without any alone", () => {
    expect(expandParts("b.wgsl", "// x\nfn f() {}\n", parts)).to.equal("// x\nfn f() {}\n");
  });

  for (const [line, name, why] of [
    ["// @include sise", "sise", "does not exist"],
    ["  // @fields body", "body", "has no struct Fields"],
    ["// @include bare", "bare", "starts with a comment on what it is"],
  ] as const) {
    it(`${name}.wgsl ${why}`, () => {
      expect(() => expandParts("a.direct.wgsl", line, parts)).to.throw(
        `shaders/a.direct.wgsl: shaders/parts/${name}.wgsl ${why}`,
      );
    });
  }

  it("give each line of the whole its file and its line there", () => {
    const files = new Map([...parts].map(([name, text]): [string, string] => [`shaders/parts/${name}.wgsl`, text]));
    files.set("shaders/a.direct.wgsl", SHADER);
    const lines = code.split("\n");
    lines.slice(0, -1).forEach((text, i) => {
      if (text.includes("// @")) return;
      const { file, line } = sourceLine("a.direct", code, i + 1);
      expect(files.get(file)!.split("\n")[line - 1]!.trim(), `${file}:${line}`).to.equal(text.trim());
    });
  });
});
