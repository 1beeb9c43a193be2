import { expect } from "chai";
import { dropDeadBranches } from "../../src/gpu/branches.js";

const CONSTS = "const ON: bool = true;\nconst OFF: bool = false;\nconst N: u32 = 2u;\n";

/** What becomes of `code` behind the consts, on one line. */
function dropped(code: string): string {
  const result = dropDeadBranches(CONSTS + code);
  expect(result.slice(0, CONSTS.length)).to.equal(CONSTS);
  return result.slice(CONSTS.length).replace(/\s+/g, " ").trim();
}

describe("dropDeadBranches", () => {
  it("keeps the side that a const bool takes", () => {
    expect(dropped("if (ON) { a(); } else { b(); }\nc();")).to.equal("{ a(); } c();");
    expect(dropped("if (OFF) { a(); } else { b(); }\nc();")).to.equal("{ b(); } c();");
    expect(dropped("if (OFF) { a(); }\nc();")).to.equal("{} c();");
  });

  it("compares a const with a number", () => {
    expect(dropped("if (N == 2u) { a(); } else if (N == 3u) { b(); } else { c(); }")).to.equal("{ a(); }");
    expect(dropped("if (N == 1u) { a(); } else if (N == 2u) { b(); } else { c(); }")).to.equal("{ b(); }");
    expect(dropped("if (N == 1u) { a(); } else if (N == 3u) { b(); } else { c(); }")).to.equal("{ c(); }");
  });

  it("leaves what runs decide, and cuts inside it", () => {
    expect(dropped("if (x) { if (OFF) { a(); } } else if (ON) { b(); } else { c(); }")).to.equal("if (x) { {} } else { b(); }");
    expect(dropped("if (ON && x) { a(); }\nif (n == 2u) { b(); }")).to.equal("if (ON && x) { a(); } if (n == 2u) { b(); }");
  });

  it("cuts inside the side that stays", () => {
    expect(dropped("if (ON) { if (OFF) { a(); } else { b(); } } else { c(); }")).to.equal("{ { b(); } }");
  });

  it("leaves overrides, which are not known yet", () => {
    const code = "override HAS: bool = false;\nif (HAS) { a(); }";
    expect(dropDeadBranches(code)).to.equal(code);
  });

  it("keeps the numbers of lines", () => {
    const code = `${CONSTS}if (OFF) {\n  a();\n} else {\n  b();\n}\nif (ON) {\n  c();\n} else {\n  d();\n}\nlast();`;
    const lines = dropDeadBranches(code).split("\n");
    expect(lines.length).to.equal(code.split("\n").length);
    expect(lines.indexOf("  b();")).to.equal(code.split("\n").indexOf("  b();"));
    expect(lines.at(-1)).to.equal("last();");
  });

  it("refuses a block that does not end", () => {
    expect(() => dropDeadBranches(`${CONSTS}if (ON) { a();`)).to.throw("not closed");
  });
});
