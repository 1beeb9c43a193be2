/** Runs first on every platform with a device, so that no run silently tests another adapter than it says. */
import { expect } from "chai";
import { openContext } from "../../src/gpu/context.js";
import { testPlatform } from "./platform.js";

describe("adapter", () => {
  it("is the one that the runner asked for", async () => {
    const platform = testPlatform();
    const gpu = await openContext();
    const { vendor, architecture, description, software } = gpu.info;
    gpu.dispose();
    const names = platform.hiddenAdapter ?? [vendor, architecture, description].filter((name) => name !== "").join(", ");
    const kind = /swiftshader/i.test(names)
      ? "swiftshader"
      : /llvmpipe/i.test(names)
        ? "lavapipe"
        : software
          ? "software"
          : "hardware";
    platform.reportAdapter(`${kind}: ${names}`);
    expect(kind, names).to.equal(platform.expectAdapter);
  });
});
