/** The conformance runner itself: it must refuse what is no file of cases, and see a value that is wrong by little more than the tolerance. */
import { expect } from "chai";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readCases } from "../../scripts/conformance/files.js";
import { UNBOUNDED } from "../conformance/compare.js";
import { referenceEngine } from "../conformance/engine.js";
import { FORMAT, FormatError, parseCases, type CaseTensor } from "../conformance/format.js";
import { runCases, type CaseResult } from "../conformance/run-cases.js";

function tensor(name: string, shape: readonly number[], values: readonly number[]): CaseTensor {
  return { name, dtype: "float32", shape, data: Buffer.from(Float32Array.from(values).buffer).toString("base64") };
}

const TOLERANCE = { atol: 1e-3, rtol: 0 };

function reluCase(y: readonly number[], gradient: readonly number[], more: object = {}): object {
  return {
    name: "relu of three",
    op: "relu",
    attributes: {},
    inputs: [tensor("x", [3], [-1, 0, 2])],
    outputs: [tensor("y", [3], y)],
    gradOutputs: [tensor("y", [3], [5, 6, 7])],
    gradients: [tensor("x", [3], gradient)],
    tolerance: TOLERANCE,
    gradTolerance: TOLERANCE,
    source: {},
    ...more,
  };
}

function file(...cases: readonly object[]): string {
  return JSON.stringify({ format: FORMAT, suite: "made here", cases });
}

async function run(text: string): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  await runCases(parseCases(text), referenceEngine, (result) => void results.push(result));
  return results;
}

describe("conformance runner", () => {
  it("passes what is within the tolerance and says how much of it was used", async () => {
    const [result] = await run(file(reluCase([0, 0, 2.0005], [0, 0, 7])));
    expect(result).to.deep.include({ outcome: "passed", error: null });
    expect(result!.worst).to.be.closeTo(0.5, 0.01);
  });

  it("fails on one wrong output value and on one wrong gradient, with the values", async () => {
    const [output, gradient] = await run(file(reluCase([0, 0, 2.003], [0, 0, 7]), reluCase([0, 0, 2], [5, 0, 7])));
    expect(output!.outcome).to.equal("failed");
    expect(output!.error).to.match(/^output y \[2\] of \[3\] is 2, expected 2.00\d+ within 0.001 \(1 of 3 values are wrong\)$/);
    expect(gradient!.error).to.equal("gradient of x [0] of [3] is 0, expected 5 within 0.001 (1 of 3 values are wrong)");
  });

  it("fails on another shape, an unknown operation and a missing attribute", async () => {
    const [shape, operation, attribute] = await run(
      file(
        reluCase([0, 0, 2], [0, 0, 7], {
          outputs: [tensor("y", [1, 3], [0, 0, 2])],
          gradOutputs: undefined,
          gradients: undefined,
        }),
        reluCase([0, 0, 2], [0, 0, 7], { op: "fold" }),
        reluCase([0, 0, 2], [0, 0, 7], { op: "softmax" }),
      ),
    );
    expect(shape!.error).to.equal("output y has shape [3], expected [1, 3]");
    expect(operation!.error).to.include("there is no operation fold");
    expect(attribute!.error).to.include("softmax: attribute axes is missing: expected a list of numbers");
    expect(attribute!.worst).to.equal(UNBOUNDED);
  });

  it("skips a quirk of the source only where it fails", async () => {
    const quirk = { source: { quirk: true } };
    const results = await run(file(reluCase([0, 0, 2], [0, 0, 7], quirk), reluCase([0, 0, 3], [0, 0, 7], quirk)));
    expect(results.map(({ outcome }) => outcome)).to.deep.equal(["passed", "skipped"]);
  });

  it("refuses another format, and data that does not fill its shape", () => {
    expect(() => parseCases("{")).to.throw(FormatError, "not JSON");
    expect(() => parseCases('{"format":"conformance-cases/2"}')).to.throw(
      FormatError,
      'format is "conformance-cases/2": expected "conformance-cases/1"',
    );
    const short = { ...tensor("x", [3], [1, 2]) };
    expect(() => parseCases(file(reluCase([0, 0, 2], [0, 0, 7], { inputs: [short] })))).to.throw(
      FormatError,
      "cases[0] (relu of three).inputs[0].data holds 8 bytes: float32 [3] takes 12",
    );
  });

  it("reads folders, gzip too, and names what it cannot read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fcn-conformance-"));
    try {
      await writeFile(join(folder, "a.json"), file(reluCase([0, 0, 2], [0, 0, 7])));
      await writeFile(join(folder, "b.json.gz"), gzipSync(file(reluCase([0, 0, 2], [0, 0, 7]))));
      await writeFile(join(folder, "c.json"), "{}");
      const { cases, errors } = await readCases([folder, join(folder, "none.json")]);
      expect(cases).to.have.length(2);
      expect(errors).to.have.length(2);
      expect(errors[0]).to.include("c.json: format is missing");
      expect(errors[1]).to.include("none.json: there is no such file or folder");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
