/** Not an engine but the adapter itself: its name, and its peak before and after each row. Measures in a device of its own. */
import { preparePeak } from "../peak.js";
import type { AdapterName, AdapterPeak } from "../report.js";
import type { Answer, Channel } from "../session.js";

/** Command: anything but "end"; answer: the peak. The first answer is the name, null where there is no WebGPU. */
export async function main(channel: Channel): Promise<null> {
  const send = (reply: AdapterName | AdapterPeak | null): void => channel.send({ reply } satisfies Answer);
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  const adapter = (await gpu?.requestAdapter()) ?? null;
  if (adapter === null) {
    send(null);
    return null;
  }
  const measure = await preparePeak(await adapter.requestDevice());
  send(nameOf(adapter.info, channel.hiddenAdapter));
  while (((await channel.receive()) as { readonly kind: string }).kind !== "end") send(await measure());
  return null;
}

function nameOf(info: GPUAdapterInfo, hidden: string | null): AdapterName {
  const { vendor, architecture } = info;
  const description = hidden ?? (info.description || info.device);
  const names = [vendor, architecture, info.device, description].join(" ");
  const software = info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(names);
  return { vendor, architecture, description, software };
}
