/** Not an engine but the adapter itself: its name, and its peak before and after each row. Measures in a device of its own. */
import { adapterName } from "../adapter-name.js";
import { messageOf } from "../host.js";
import { preparePeak } from "../peak.js";
import type { Answer, Channel } from "../session.js";

/** Command: anything but "end"; answer: the peak. The first answer is the name, null where there is no WebGPU. */
export async function main(channel: Channel): Promise<null> {
  const send = (answer: Answer): void => channel.send(answer);
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  const adapter = (await gpu?.requestAdapter()) ?? null;
  if (adapter === null) {
    send({ reply: null });
    return null;
  }
  const device = await adapter.requestDevice();
  let lost: string | null = null;
  void device.lost.then(({ message }) => (lost = `the device was lost: ${message}`));
  const measure = await preparePeak(device);
  send({ reply: adapterName(adapter.info, channel.hiddenAdapter) });
  while (((await channel.receive()) as { readonly kind: string }).kind !== "end") {
    try {
      // A lost device does nothing, and fast.
      const reply = lost === null ? await measure() : null;
      send(lost === null ? { reply } : { error: lost, lostBefore: true });
    } catch (error) {
      send({ error: messageOf(error), lostBefore: lost !== null });
    }
  }
  return null;
}
