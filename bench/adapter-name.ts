/** An adapter's name as reports have it. */
import type { AdapterName } from "./report.js";

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|basic render/i;

/** `hidden` is its description where the browser keeps it from pages. */
export function adapterName(info: GPUAdapterInfo, hidden: string | null): AdapterName {
  const { vendor, architecture } = info;
  const description = hidden ?? (info.description || info.device);
  const names = [vendor, architecture, info.device, description].join(" ");
  return { vendor, architecture, description, software: info.isFallbackAdapter || SOFTWARE.test(names) };
}

/** Vendor, architecture and description, without what is empty or said twice. */
export function adapterText(adapter: AdapterName | null): string {
  if (adapter === null) return "no WebGPU";
  const names = [adapter.vendor, adapter.architecture, adapter.description];
  const telling = names.filter((name, i) => name !== "" && !names.some((other, j) => j > i && other.includes(name)));
  return telling.join(", ") + (adapter.software ? " (software adapter)" : "");
}
