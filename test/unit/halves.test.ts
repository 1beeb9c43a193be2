import { expect } from "chai";
import { WgslReflect } from "../../scripts/wgsl-reflect.js";
import { withHalves } from "../../src/gpu/halves.js";
import { specialize } from "../../src/gpu/specialize.js";
import { SHADERS } from "../../src/shaders.gen.js";
import { halvableBuffers } from "../harness/halves.js";

const HEAD = `// Doubles x[i].
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
`;

describe("withHalves", () => {
  const body = (line: string): string => `${HEAD}fn main() {\n  ${line}\n}`;
  const bodyOf = (code: string): string => code.split("fn main() {\n  ")[1]!.split("\n}")[0]!;

  it("changes nothing where no buffer holds f16", () => {
    for (const shader of Object.values(SHADERS)) expect(withHalves(shader.code, [])).to.equal(shader.code);
  });

  it("declares, reads and writes, and keeps every line", () => {
    const code = withHalves(body("y[i] = x[i] * 2.0;"), ["x", "y"]);
    expect(code.split("\n").slice(0, 3)).to.deep.equal([
      "enable f16; // Doubles x[i].",
      "@group(0) @binding(1) var<storage, read> x: array<vec4<f16>>;",
      "@group(0) @binding(2) var<storage, read_write> y: array<vec4<f16>>;",
    ]);
    expect(bodyOf(code)).to.equal("y[i] = vec4<f16>(vec4f(x[i]) * 2.0);");
  });

  for (const [line, names, want] of [
    ["y[i] += x[i];", ["y"], "y[i] = vec4<f16>(vec4f(y[i]) + (x[i]));"],
    ["let v = x[a[j] + 1u][c % 4u];", ["x"], "let v = vec4f(x[a[j] + 1u])[c % 4u];"],
    ["let v = x[u32(x[i].x)].y;", ["x"], "let v = vec4f(x[u32(vec4f(x[i]).x)]).y;"],
    ["if (y[i].x == 1.0) { y[i] = x[i]; }", ["y"], "if (vec4f(y[i]).x == 1.0) { y[i] = vec4<f16>(x[i]); }"],
    ["let v = params.x[i] + at.x;", ["x"], "let v = params.x[i] + at.x;"],
    ["let v = x[i]; // as x says", ["x"], "let v = vec4f(x[i]); // as x says"],
  ] as const) {
    it(line, () => expect(bodyOf(withHalves(body(line), names))).to.equal(want));
  }

  it("moves what a shader of bits moves", () => {
    const code = `var<storage, read> x: array<u32>;\nvar<storage, read_write> y: array<u32>;\ny[i] = x[j];`;
    expect(withHalves(code, ["x", "y"]).split("\n")[2]).to.equal("y[i] = f16(bitcast<f32>(bitcast<u32>(f32(x[j]))));");
  });

  it("knows a type by its alias", () => {
    const code = `alias Value = vec4f;\nvar<storage, read> x: array<Value>;\nlet v = x[j];`;
    expect(withHalves(code, ["x"]).split("\n").slice(1)).to.deep.equal([
      "var<storage, read> x: array<vec4<f16>>;",
      "let v = vec4f(x[j]);",
    ]);
  });

  it("refuses what it cannot rewrite", () => {
    expect(() => withHalves(body("let p = &x;"), ["x"])).to.throw("x is used other than by its elements: let p = &x;");
    expect(() => withHalves(body("y[i].x = 1.0;"), ["y"])).to.throw("one lane of y is written: y[i].x = 1.0;");
    expect(() => withHalves(body(""), ["z"])).to.throw("z is no buffer");
    expect(() => withHalves("var<storage, read> n: array<i32>;", ["n"])).to.throw("n is an array of i32: it cannot hold f16");
  });

  it("has a form of every shader", () => {
    for (const [name, shader] of Object.entries(SHADERS)) {
      const names = halvableBuffers(name);
      if (names.length === 0) continue;
      const { code } = specialize(shader, {}, names);
      expect(new WgslReflect(code).storage.map((s) => s.name)).to.have.members(shader.buffers.map((b) => b.name));
      for (const buffer of names) expect(code, `${name}: ${buffer}`).to.match(new RegExp(`> ${buffer}: array<(vec4<)?f16>+;`));
    }
  });
});
