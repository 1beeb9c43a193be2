/** The test runner's own arithmetic: a skipped test must be named with its reason, a GPU error fails the test that it met. */
import { expect } from "chai";
import { countResults, createReport, formatCounts } from "../../scripts/tests/report.js";

const quiet = { print: () => undefined };

describe("test report", () => {
  it("counts a skipped test as skipped only where the list names it", () => {
    const report = createReport({ "suite named": "no camera here" }, quiet);
    report.add({ type: "skip", title: ["suite", "named"] });
    report.add({ type: "skip", title: ["suite", "other"] });
    expect(report.results.map((result) => result.outcome)).to.deep.equal(["skipped", "failed"]);
  });

  it("fails on an uncaptured GPU error, naming the running test", () => {
    const report = createReport({}, quiet);
    report.add({ type: "start", title: ["suite", "test"] });
    report.add({ type: "gpu-error", text: "invalid bind group" });
    expect(report.results[0]).to.deep.include({ title: ["suite", "test", "uncaptured GPU error"], outcome: "failed" });
  });

  it("closes with the line that CI reads", () => {
    const line = formatCounts(countResults([{ title: ["a"], outcome: "passed", ms: 1 }]));
    expect(line).to.equal("1 passed, 0 failed");
  });
});
