/** The benchmark page, built and opened in Chromium: a short run with a peer that hangs and a GPU process that crashes, Stop, a browser without WebGPU. Screenshots go to out/bench-page-test. */
import { expect } from "chai";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import type { PreviewServer } from "vite";
import { readmeTables } from "../../bench/markdown.js";
import { buildBenchPage, serveBenchPage } from "../../bench/page/build.js";
import { readReport } from "../../bench/report-file.js";
import type { Report } from "../../bench/report.js";
import { browserAdapter } from "../../scripts/adapters/browser-adapter.js";
import { startChromium } from "../../scripts/browser/chromium.js";
import { root } from "../../scripts/paths.js";

const HANGS = { name: "hangs", family: "hangs", module: "test/harness/hanging-engine.ts", on: ["page"] } as const;
const SCREENSHOTS = join(root, "out", "bench-page-test");

/** Of the reports of a page that ran to its end. */
async function reportOf(page: Page): Promise<Report> {
  return JSON.parse((await page.locator("#json").textContent())!) as Report;
}

async function stateBecomes(page: Page, states: readonly string[], timeout: number): Promise<string> {
  const found = await page.waitForFunction(
    (wanted) => wanted.find((state) => document.documentElement.dataset["state"] === state),
    states,
    { timeout },
  );
  return (await found.jsonValue())!;
}

describe("benchmark page", function () {
  this.timeout(170_000);
  let folder: string;
  let server: PreviewServer;
  let browser: Browser;
  let url: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "bench-page-"));
    const { engines, absent } = await buildBenchPage(join(folder, "page"), { peers: false, extra: [HANGS] });
    expect(engines.map(({ name }) => name)).to.deep.equal(["ours", "reference", "hangs"]);
    expect(absent).to.include.members(["tfjs-webgpu", "ort-wasm", "litert-webgpu", "jax-webgpu"]).and.not.include("ort-node");
    server = await serveBenchPage(join(folder, "page"), 0);
    url = server.resolvedUrls!.local[0]!;
    browser = await startChromium((await browserAdapter("chromium")).adapter);
    await mkdir(SCREENSHOTS, { recursive: true });
  });
  after(async () => {
    await browser.close();
    await server.close();
    await rm(folder, { recursive: true });
  });

  it("runs to its end past a peer that hangs and a GPU process that crashes, and shows, copies and saves what it measured", async () => {
    const context = await browser.newContext({
      viewport: { width: 1200, height: 900 },
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(`${url}?rows=B1,C1&rounds=2&cap=6&autorun`);
    await stateBecomes(page, ["running"], 20_000);
    const bar = page.locator("#progress");
    await page.locator("#stage", { hasText: "B1, hangs: first run" }).waitFor({ timeout: 60_000 });
    await (await browser.newBrowserCDPSession()).send("Browser.crashGpuProcess");
    await page.waitForFunction(() => document.querySelector<HTMLProgressElement>("#progress")!.value > 0.1, null, {
      timeout: 60_000,
    });
    expect(await page.locator("#stage").textContent()).to.match(/^(B1|C1), .*; about \d+ (s|min) left$/);
    expect(await page.locator("#stop").isEnabled()).to.equal(true);
    expect(await page.locator("#rounds").isEnabled()).to.equal(false);
    expect(
      await stateBecomes(page, ["done", "failed", "stopped"], 150_000),
      (await page.locator("#stage").textContent())!,
    ).to.equal("done");
    expect(await bar.getAttribute("value").then(Number)).to.equal(1);
    await page.screenshot({ path: join(SCREENSHOTS, "wide.png"), fullPage: true });
    expect(problems).to.deep.equal([]);

    const report = await reportOf(page);
    expect(report.platform).to.equal("page");
    expect(report.adapter).to.not.equal(null);
    expect(report.rows.map(({ id }) => id)).to.deep.equal(["B1", "C1"]);
    for (const row of report.rows) {
      const [ours, reference, hangs] = row.entries;
      for (const entry of [ours!, reference!]) {
        expect(entry.status, entry.message ?? "").to.equal("ok");
        expect(entry.rounds).to.have.length(2);
        expect(entry.rounds.flat()).to.not.be.empty;
      }
      expect(ours!.error).to.be.below(1e-5);
      expect(ours!.counts!.submits).to.equal(1);
      expect(row.peak!.after.gflops).to.be.above(0.01);
      expect(row.load).to.equal(null);
      expect(hangs).to.include({ status: "slow", message: "not even the first result within 6 s" });
    }
    const [lost] = report.rows[0]!.entries[0]!.notes;
    expect(lost).to.match(/^the device was lost.*, while others were at work$/);
    const [profile] = report.rooflines!;
    expect(profile!.id).to.equal("B1");
    expect(profile!.rows[0]!.gflops).to.be.above(0);

    expect(await page.locator("#ratios svg[aria-label^='Ours beside reference: B1'] [aria-label=bar] rect").count()).to.equal(2);
    expect(await page.locator("#speeds svg").count()).to.equal(2);
    expect(await page.locator("#rooflines svg [aria-label=dot] circle").count()).to.equal(profile!.rows.length);
    expect(await page.locator("#table [data-row=B1] [data-engine=hangs]").textContent()).to.equal("> cap");
    expect(await page.locator("#remarks").textContent()).to.contain("B1, C1: hangs: > cap: not even the first result within 6 s");
    expect(await page.locator("#notices").textContent()).to.contain("Not in this build: tfjs-webgpu");
    if (report.adapter!.software) expect(await page.locator("#notices").textContent()).to.contain("This is a software adapter");

    await page.locator("#copy").click();
    await page.locator("#copied", { hasText: "Copied" }).waitFor();
    expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).to.deep.equal(report);
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#download").click()]);
    const file = join(folder, "run.json");
    await download.saveAs(file);
    expect(await readFile(file, "utf8")).to.equal(await page.locator("#json").textContent());
    expect(readmeTables([{ file: "run.json", report: (await readReport(file))! }])).to.match(/\| B1 \| conv1x1.* ms \| .* x \(/);

    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.waitForFunction(
      () => Number(document.querySelector("#rooflines figure svg[width][height]")!.getAttribute("width")) < 390,
    );
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).to.be.at.most(390);
    await page.screenshot({ path: join(SCREENSHOTS, "phone-dark.png"), fullPage: true });
    await context.close();
  });

  it("stops at once, whatever an engine is doing, and can be started again", async () => {
    const page = await browser.newPage();
    await page.goto(`${url}?rows=B1&engines=hangs&cap=3000&roofline=off`);
    await stateBecomes(page, ["idle"], 20_000);
    await page.locator("#run").click();
    await page.locator("#stage", { hasText: "hangs: first run" }).waitFor({ timeout: 60_000 });
    await page.locator("#stop").click();
    expect(await stateBecomes(page, ["stopped", "done", "failed"], 10_000)).to.equal("stopped");
    expect(await page.locator("#stage").textContent()).to.equal("Stopped; 0 finished rows are kept");
    await page.locator("#engines input[value=hangs]").uncheck();
    await page.locator("#engines input[value=reference]").check();
    await page.locator("#rounds").fill("1");
    expect(await page.evaluate(() => location.search)).to.equal("?rows=B1&engines=reference&rounds=1&cap=3000&roofline=off");
    await page.locator("#run").click();
    expect(await stateBecomes(page, ["done", "failed"], 60_000)).to.equal("done");
    expect((await reportOf(page)).rows[0]!.entries[0]!.status).to.equal("ok");
    await page.close();
  });

  it("says where there is no WebGPU, and why, and runs the CPU engines all the same", async () => {
    const page = await browser.newPage();
    // Neither localhost nor https: not a secure context.
    await page.route("http://bench.test/**", async (route) => {
      const { pathname, search } = new URL(route.request().url());
      await route.fulfill({ response: await route.fetch({ url: new URL(`.${pathname}${search}`, url).href }) });
    });
    await page.goto("http://bench.test/?rows=B1&engines=ours,reference&rounds=1");
    await stateBecomes(page, ["idle"], 20_000);
    expect(await page.locator("#notices").textContent()).to.contain(
      "There is no WebGPU here: this page is not in a secure context",
    );
    expect(await page.locator("#engines input[value=ours]").isDisabled()).to.equal(true);
    await page.locator("#run").click();
    expect(await stateBecomes(page, ["done", "failed"], 60_000), (await page.locator("#stage").textContent())!).to.equal("done");
    const report = await reportOf(page);
    expect(report.adapter).to.equal(null);
    expect(report.rows[0]!.peak).to.equal(null);
    expect(report.rows[0]!.entries.map(({ engine, status }) => [engine, status])).to.deep.equal([["reference", "ok"]]);
    await page.close();
  });

  it("says what the address has wrong, and takes the usual choice", async () => {
    const page = await browser.newPage();
    await page.goto(`${url}?suite=none`);
    await stateBecomes(page, ["idle"], 20_000);
    expect(await page.locator("#notices").textContent()).to.contain("there is no suite none: use layers");
    expect(await page.locator("#suite").inputValue()).to.equal("quick");
    await page.close();
  });
});
