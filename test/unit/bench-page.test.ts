/** The parts of the benchmark page that need no page: what an address asks for, how far a run has come, engines that are lost or hang. */
import { expect } from "chai";
import { encodeFloats } from "../../bench/base64.js";
import { enginesOn, type CatalogEntry } from "../../bench/catalog.js";
import { hostOf, LostBeforeError, Mailbox, TimeoutError, type OpenHost } from "../../bench/host.js";
import { measure, Stopped } from "../../bench/measure.js";
import { choiceFrom, queryOf, rooflineRows, type Choice } from "../../bench/page/choice.js";
import { Clock, profileCost, rowCost } from "../../bench/progress.js";
import type { Entry, Row } from "../../bench/report.js";
import type { Answer, Command } from "../../bench/session.js";
import { Sessions } from "../../bench/sessions.js";
import { WORKLOADS } from "../../bench/workloads.js";

const PAGE = enginesOn("page");
const workload = (id: string): (typeof WORKLOADS)[number] => WORKLOADS.find((one) => one.id === id)!;

describe("benchmark page: addresses", () => {
  const choice = (query: string): Choice => choiceFrom(new URLSearchParams(query), PAGE);
  const ids = (query: string): string[] => choice(query).workloads.map(({ id }) => id);

  it("ask for rows as the command's options do, for quick by default", () => {
    expect(ids("")).to.deep.equal(ids("quick")).and.have.length(11);
    expect(ids("suite=nets")).to.deep.equal(["F1", "F2", "F3"]);
    expect(ids("only=^A[12]$")).to.deep.equal(["A1", "A2"]);
    expect(ids("rows=C1,A1")).to.deep.equal(["A1", "C1"]);
    expect(() => choice("rows=A1,Z9")).to.throw("there is no row Z9: the ids are A1,");
    expect(() => choice("suite=none")).to.throw("there is no suite none");
  });

  it("ask for engines, rounds and the cap", () => {
    expect(choice("").engines).to.deep.equal(PAGE);
    expect(choice("engines=ours,tfjs").engines.map(({ name }) => name)).to.deep.equal(["ours", "tfjs-webgpu", "tfjs-wasm"]);
    expect(choice("rounds=3&cap=7").settings).to.deep.equal({ rounds: 3, capSeconds: 7 });
    expect(() => choice("rounds=0")).to.throw("rounds is 0: use a whole number of at least 1");
    expect(() => choice("engines=torch")).to.throw("there is no engine torch");
    expect(() => choice("engines=ort-node")).to.throw("ort-node does not run on page");
  });

  it("come back from the choices that they asked for", () => {
    for (const [query, suite] of [
      ["?quick", "quick"],
      ["?suite=nets&engines=ours,reference&rounds=2&cap=9&roofline=off", "nets"],
      ["?rows=A1,C2&engines=ours", null],
    ] as const)
      expect(queryOf(choice(query), suite, PAGE)).to.equal(query);
  });

  it("profile the nets among the rows, or else some rows with arithmetic", () => {
    const profiled = (query: string): string[] => rooflineRows(choice(query)).map(({ id }) => id);
    expect(profiled("quick")).to.deep.equal(["F1", "F3"]);
    expect(profiled("rows=A1,C1,D1")).to.deep.equal(["A1", "D1"]);
    expect(profiled("quick&roofline=off")).to.deep.equal([]);
    expect(profiled("quick&engines=reference")).to.deep.equal([]);
  });
});

describe("benchmark: progress", () => {
  it("goes by what rows cost", () => {
    const clock = new Clock([1, 3]);
    expect(clock.leftMs()).to.equal(null);
    expect(clock.at(0, 0.5)).to.equal(0.125);
    expect(clock.at(1, 0)).to.equal(0.25);
    expect(clock.at(1, 1)).to.equal(1);
    expect(clock.leftMs()).to.equal(0);
  });

  it("counts the reference by its arithmetic, others by their turns", () => {
    const [small, large] = [workload("B1"), workload("A1")];
    const gpu = [{ name: "ours" }];
    expect(rowCost(large, gpu, 5) - rowCost(small, gpu, 5)).to.be.closeTo((large.flops - small.flops) / 3e8, 1e-9);
    const withReference = rowCost(large, [...gpu, { name: "reference" }], 5);
    expect(withReference - rowCost(large, gpu, 5)).to.be.closeTo((6 * large.flops) / 3e8, 1e-9);
    expect(profileCost(workload("F1"))).to.be.above(profileCost(small));
  });
});

/** What a session answers to a command, or null: nothing, ever. */
type Script = (command: Command) => Answer | null;

const OUTPUT = encodeFloats(Float32Array.of(1, 2));
const FINE: Script = ({ kind }) => {
  if (kind === "prepare")
    return { reply: { cannot: null, first: { prepareMs: 1, runMs: 1 }, outputs: OUTPUT, pipelines: 1, notes: [] } };
  return { reply: kind === "visit" ? { samplesMs: [2, 2], counts: null, gpuErrors: [] } : null };
};

/** Sessions without processes. `opened` collects who was opened, `scripts` is by engine and then by how often it was opened before. */
function scripted(scripts: Readonly<Record<string, readonly Script[]>>, opened: string[], adapter: unknown = null): OpenHost {
  return (where, _module, engine) => {
    const mailbox = new Mailbox();
    const name = where === "beside" ? "expected" : engine;
    const script = scripts[name]?.[opened.filter((one) => one === name).length] ?? FINE;
    opened.push(name);
    mailbox.answer({ reply: name === "adapter" ? adapter : { about: "scripted", webgpu: false } });
    void (async () => {
      for (;;) {
        const answer = script((await mailbox.nextCommand()) as Command);
        if (answer !== null) mailbox.answer(answer);
      }
    })();
    return Promise.resolve(
      hostOf(
        mailbox,
        () => "test",
        () => Promise.resolve(mailbox.end(new Error("ended"))),
      ),
    );
  };
}

describe("benchmark: engines that fail", () => {
  const engine = (name: string): CatalogEntry => ({ name, family: name, module: "none", on: ["page"] });

  async function rowOf(scripts: Readonly<Record<string, readonly Script[]>>, rounds = 3): Promise<[Row, string[]]> {
    const opened: string[] = [];
    const rows: Row[] = [];
    await measure({
      sessions: new Sessions(scripted(scripts, opened), { sharedGpu: false }),
      workloads: [workload("B1")],
      engines: [engine("ours"), engine("peer")],
      settings: { rounds, capSeconds: 1 },
      clock: new Clock([1]),
      stopping: new AbortController().signal,
      load: () => null,
      onProgress: () => undefined,
      onRow: (row) => void rows.push(row),
    });
    return [rows[0]!, opened];
  }
  const [ours, peer] = [0, 1].map(
    (i) =>
      (row: Row): Entry =>
        row.entries[i]!,
  ) as [(row: Row) => Entry, (row: Row) => Entry];

  it("are ended after the cap, and the others go on", async () => {
    const [row] = await rowOf({ peer: [() => null] });
    expect(peer(row)).to.include({ status: "slow", message: "not even the first result within 1 s" });
    expect(ours(row).rounds).to.deep.equal([
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
  });

  it("that hang after some rounds keep their times, and it is noted", async () => {
    let visits = 0;
    const [row] = await rowOf({ peer: [(command) => (command.kind === "visit" && ++visits === 2 ? null : FINE(command))] });
    expect(peer(row)).to.include({ status: "ok" });
    expect(peer(row).rounds).to.deep.equal([[2, 2], [], []]);
    expect(peer(row).notes).to.deep.equal(["ended: not done with round 2 within 1 s"]);
  });

  it("are opened anew where others lost their device, and quoted where they did themselves", async () => {
    const lost =
      (lostBefore: boolean): Script =>
      (command) =>
        command.kind === "visit" ? { error: "the device was lost", lostBefore } : FINE(command);
    const [row, opened] = await rowOf({ ours: [lost(true)], peer: [lost(false)] });
    expect(ours(row)).to.include({ status: "ok" });
    expect(ours(row).notes).to.deep.equal(["the device was lost, while others were at work"]);
    expect(ours(row).rounds).to.deep.equal([[], [2, 2], [2, 2]]);
    expect(peer(row)).to.include({ status: "failed", message: "the device was lost" });
    expect(opened.filter((name) => name === "ours")).to.have.length(2);
  });

  it("are waited for where they share the GPU: the adapter must be about as fast as before", async () => {
    const speeds = [10, 3, 5, 8, 9];
    const adapter: Script = () => ({ reply: { gflops: speeds.shift(), gbps: 1 } });
    const hosts = scripted({ adapter: [adapter] }, [], { name: "some" });
    const sessions = new Sessions(hosts, { sharedGpu: true });
    await sessions.openAdapter();
    expect(await sessions.peak()).to.deep.equal({ gflops: 10, gbps: 1 });
    expect(await sessions.settle()).to.equal(true);
    expect(speeds).to.deep.equal([9]);
    await sessions.closeAll();
  });

  it("let go of a run that is stopped, whatever they are doing", async () => {
    const stopper = new AbortController();
    const sessions = new Sessions(scripted({ peer: [() => null] }, []), { sharedGpu: false });
    const running = measure({
      sessions,
      workloads: [workload("B1")],
      engines: [engine("peer")],
      settings: { rounds: 1, capSeconds: 1000 },
      clock: new Clock([1]),
      stopping: stopper.signal,
      load: () => null,
      onProgress: ({ stage }) => {
        if (!stage.startsWith("peer")) return;
        setTimeout(() => {
          stopper.abort();
          void sessions.closeAll();
        });
      },
      onRow: () => expect.fail("the row was not finished"),
    });
    expect(await running.catch((error: unknown) => error)).to.be.instanceOf(Stopped);
  });

  it("tell a lost device from what they threw, and from silence", async () => {
    const mailbox = new Mailbox();
    const failure = async (): Promise<unknown> => await mailbox.nextAnswer(5).catch((error: unknown) => error);
    expect(await failure()).to.be.instanceOf(TimeoutError);
    mailbox.answer({ error: "gone", lostBefore: true });
    mailbox.answer({ error: "no such kernel", lostBefore: false });
    expect(await failure()).to.be.instanceOf(LostBeforeError);
    expect(await failure())
      .to.be.instanceOf(Error)
      .and.not.instanceOf(LostBeforeError);
  });
});
