import { expect } from "chai";
import { specialize } from "../../src/gpu/specialize.js";
import { unrollLoops } from "../../src/gpu/unroll.js";

/** One line, single spaces: the tests are not about white space. */
function flat(code: string): string {
  return code
    .replace(/\/\/[^\n]*/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

describe("unrollLoops", () => {
  it("leaves code without marks as it is, byte for byte", () => {
    const code =
      "const N: u32 = 2u;\nfn f() {\n  var a: array<f32, 2>;\n  for (var i = 0u; i < N; i++) {\n    a[0u] = a[1u];\n  }\n}\n";
    expect(unrollLoops(code)).to.equal(code);
  });

  it("copies the body once for each value, from literals or consts", () => {
    const code = "const N: u32 = 3u;\n// @unroll\nfor (var i = 1u; i < N; i++) {\n  s += f(i);\n}\n";
    expect(flat(unrollLoops(code))).to.equal("const N: u32 = 3u; { s += f(1u); } { s += f(2u); }");
  });

  it("keeps signed counters signed, and names that only contain the counter's", () => {
    const code = "// @unroll\nfor (var i = 0; i < 2; i++) {\n  id[i] = i0 + i;\n}\n";
    expect(flat(unrollLoops(code))).to.equal("{ id[0] = i0 + 0; } { id[1] = i0 + 1; }");
  });

  it("gives nothing for an empty range", () => {
    expect(flat(unrollLoops("a;\n// @unroll\nfor (var i = 0u; i < 0u; i++) {\n  f(i);\n}\nb;"))).to.equal("a; b;");
  });

  it("unrolls loops inside loops, and folds the indices that arise", () => {
    const code =
      "// @unroll\nfor (var i = 0u; i < 2u; i++) {\n  // @unroll\n  for (var j = 0u; j < 2u; j++) {\n    f(b[i * 4u + j + 1u][n]);\n  }\n}\n";
    expect(flat(unrollLoops(code)).replace(/[{} ]/g, "")).to.equal("f(b[1u][n]);f(b[2u][n]);f(b[5u][n]);f(b[6u][n]);");
  });

  it("folds products, quotients and remainders of consts in indices, and leaves those with a name it does not know", () => {
    const code =
      "const S: u32 = 4u;\n// @unroll\nfor (var t = 1u; t < 2u; t++) {\n  f(a[(t * 4u + 2u) / S], a[(t * 6u) % S], a[t * n]);\n}\n";
    expect(flat(unrollLoops(code))).to.equal("const S: u32 = 4u; { f(a[1u], a[2u], a[1u * n]); }");
  });

  it("unrolls on a condition, else hides the bound from drivers", () => {
    const code = (on: boolean): string =>
      `const ON: bool = ${String(on)};\n// @unroll if ON\nfor (var i = 0u; i < 2u; i++) {\n  f(i);\n}\n`;
    expect(flat(unrollLoops(code(true)))).to.equal("const ON: bool = true; { f(0u); } { f(1u); }");
    expect(flat(unrollLoops(code(false)))).to.equal(
      "const ON: bool = false; for (var i = 0u; i < select(2u, 0u, params.count == 0u); i++) { f(i); }",
    );
  });

  it("makes variables of arrays whose every index is a number", () => {
    const code =
      "const N: u32 = 2u;\nfn f() {\n  var a: array<array<vec4f, 1>, N>; // a\n  // @unroll\n  for (var i = 0u; i < N; i++) {\n    a[i][0u].x = 1.0;\n  }\n}\n";
    expect(flat(unrollLoops(code))).to.equal(
      "const N: u32 = 2u; fn f() { var a_0_0: vec4f; var a_1_0: vec4f; { a_0_0.x = 1.0; } { a_1_0.x = 1.0; } }",
    );
  });

  it("makes variables of arrays of vectors whose lanes are indexed", () => {
    const code =
      "fn f() {\n  var a: array<vec4f, 1>;\n  // @unroll\n  for (var i = 0u; i < 1u; i++) {\n    a[i][n] = a[i][2u];\n  }\n}\n";
    expect(flat(unrollLoops(code))).to.equal("fn f() { var a_0: vec4f; { a_0[n] = a_0[2u]; } }");
  });

  it("leaves arrays alone that are indexed by a variable or used whole", () => {
    const loop = "  // @unroll\n  for (var i = 0u; i < 1u; i++) {\n    a[i] = b[i];\n  }\n";
    const code = unrollLoops(`fn f() {\n  var a: array<f32, 2>;\n  var b: array<f32, 2>;\n${loop}  g(a[n], b);\n}\n`);
    expect(code).to.contain("var a: array<f32, 2>;").and.to.contain("var b: array<f32, 2>;").and.to.contain("a[0u] = b[0u];");
  });

  it("refuses bounds that are not constant, and loops that do not end", () => {
    expect(() => unrollLoops("// @unroll\nfor (var i = 0u; i < n; i++) {\n}\n")).to.throw("the bound n is not a constant");
    expect(() => unrollLoops("// @unroll\nfor (var i = 0u; i < 1u; i++) {\n")).to.throw("not closed");
  });
});

describe("specialize", () => {
  const shader = {
    code: "override WG: u32 = 64;\nconst N: u32 = 2u;\nconst ON: bool = false;\nconst F: f32 = 0.5;\n// @unroll\nfor (var i = 0u; i < N; i++) {\n  f(i);\n}\n",
    constants: {
      WG: { kind: "override", type: "u32" },
      N: { kind: "const", type: "u32" },
      ON: { kind: "const", type: "bool" },
      F: { kind: "const", type: "f32" },
    },
  } as const;

  it("overrides what can be overridden and rewrites named consts, before it unrolls", () => {
    const { code, overrides } = specialize(shader, { WG: 32, N: 1, ON: true, F: 2 });
    expect(overrides).to.deep.equal({ WG: 32 });
    expect(flat(code)).to.equal(
      "override WG: u32 = 64; const N: u32 = 1u; const ON: bool = true; const F: f32 = 2.0; { f(0u); }",
    );
  });

  it("drops what a const leaves out", () => {
    const branching = { ...shader, code: shader.code + "if (ON) {\n  a();\n} else {\n  b();\n}\n" };
    expect(flat(specialize(branching, { ON: true }).code))
      .to.contain("{ a(); }")
      .and.not.to.contain("b()");
  });

  it("keeps the defaults of what is not given", () => {
    const { code, overrides } = specialize(shader, {});
    expect(overrides).to.deep.equal({});
    expect(flat(code)).to.contain("const N: u32 = 2u;").and.to.contain("f(1u);");
  });

  it("refuses a name that the shader does not have", () => {
    expect(() => specialize(shader, { M: 1 })).to.throw("no constant M");
  });
});
