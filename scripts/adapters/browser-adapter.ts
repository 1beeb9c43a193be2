/** Which adapter a browser is started with, and which one it must then report. */
import { type AdapterKind, chooseNodeAdapter } from "./node-adapter.js";

export interface BrowserAdapter {
  readonly adapter: "software" | "hardware";
  readonly expect: AdapterKind;
}

/** A browser uses the GPU where Dawn in Node finds one; FCN_ADAPTER keeps both on software: SwiftShader in Chromium, lavapipe in Firefox. */
export async function browserAdapter(browser: "chromium" | "firefox"): Promise<BrowserAdapter> {
  const forced = process.env["FCN_ADAPTER"];
  const software = forced === "swiftshader" || forced === "lavapipe" || (await chooseNodeAdapter()).kind !== "hardware";
  if (!software) return { adapter: "hardware", expect: "hardware" };
  return { adapter: "software", expect: browser === "chromium" ? "swiftshader" : "lavapipe" };
}
