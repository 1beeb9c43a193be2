/** The benchmark on a small row, as `npm run bench` runs it: processes, check against the reference, rounds, what is counted. */
import { expect } from "chai";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Report } from "../../bench/report.js";
import { root } from "../../scripts/paths.js";

describe("benchmark", () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), "bench-"))));
  after(() => rm(folder, { recursive: true }));

  it("times ours and the reference on one row, and finds it in its file the next time", async () => {
    const file = join(folder, "run.json");
    const args = ["--on", "node", "--only", "^B1$", "--engines", "ours,reference", "--rounds", "2", "--json", file];
    const bench = async (): Promise<string> =>
      (await promisify(execFile)(process.execPath, ["--import", "tsx", join(root, "bench", "run.ts"), ...args])).stdout;

    const printed = await bench();
    const text = await readFile(file, "utf8");
    const report = JSON.parse(text) as Report;
    expect(report.platform).to.equal("node");
    expect(report.adapter).to.not.equal(null);
    expect(report.rows.map(({ id }) => id)).to.deep.equal(["B1"]);
    const [row] = report.rows;
    expect(row!.peak!.before.gflops).to.be.above(0.01);
    expect(row!.peak!.after.gbps).to.be.above(0.01);
    const [ours, reference] = row!.entries;
    for (const entry of [ours!, reference!]) {
      expect(entry.status, entry.message ?? "").to.equal("ok");
      expect(entry.rounds).to.have.length(2);
      for (const samples of entry.rounds) expect(samples).to.not.be.empty;
    }
    expect(ours!.error).to.be.below(1e-5);
    expect(ours!.counts!.dispatches).to.be.within(1, 4);
    expect(ours!.counts!.submits).to.equal(1);
    const [input, weight, output] = [512 * 16 * 16, 21 * 512, 24 * 16 * 16];
    expect(ours!.counts!.peakBytes).to.be.at.least(4 * (input + weight + output));
    expect(reference!.counts).to.equal(null);
    expect(reference!.error).to.be.below(1e-7); // rounding to f32
    expect(printed).to.match(/B1 .*\n +ours .* ms .*\n +reference .*ours [\d.]+ x as fast/);

    expect(await bench()).to.contain("1 rows are in");
    expect(await readFile(file, "utf8")).to.equal(text);
  });
});
