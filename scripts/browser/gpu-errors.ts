/** Browsers and Dawn in Node only print GPU errors that no error scope caught: this makes them heard, on every device that is opened. */

/** `adapterClass` is GPUAdapter, global in a page, in Node a member of the webgpu package's `globals`. */
export function reportGpuErrors(adapterClass: typeof GPUAdapter, report: (text: string) => void): void {
  const { requestDevice } = adapterClass.prototype;
  adapterClass.prototype.requestDevice = async function (this: GPUAdapter, ...args) {
    const device = await requestDevice.apply(this, args);
    device.addEventListener("uncapturederror", (event) => report(event.error.message));
    return device;
  };
}
