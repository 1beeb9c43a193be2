/**
 * Firefox looks for finished GPU work every 100 ms, and whenever something is submitted: a test that reads back one small buffer waits
 * 102 ms, with empty submits meanwhile 5 ms (measured, Firefox 153). So, in the runner's pages, waits submit nothing every few
 * milliseconds: it cuts the tests' time to a fraction and changes no result. The submits go past anything that counts the engine's.
 */
const EVERY_MS = 2;

export function hurryFirefoxMaps(): void {
  const { submit, onSubmittedWorkDone } = GPUQueue.prototype;
  const { createBuffer, pushErrorScope, popErrorScope } = GPUDevice.prototype;
  const { mapAsync } = GPUBuffer.prototype;
  const { requestDevice } = GPUAdapter.prototype;
  const devices = new WeakMap<GPUBuffer | GPUQueue, GPUDevice>();
  const waits = new WeakMap<GPUDevice, number>();

  async function hurry<T>(device: GPUDevice | undefined, work: Promise<T>): Promise<T> {
    if (device === undefined) return await work;
    const before = waits.get(device) ?? 0;
    waits.set(device, before + 1);
    if (before === 0) void nudge(device);
    return await work.finally(() => waits.set(device, (waits.get(device) ?? 1) - 1));
  }

  /** One empty submit at a time: the error scope's answer says that the GPU process has got to it, however long it compiled before. */
  async function nudge(device: GPUDevice): Promise<void> {
    while ((waits.get(device) ?? 0) > 0) {
      pushErrorScope.call(device, "validation");
      submit.call(device.queue, []);
      const lost = await popErrorScope.call(device).then(
        () => false,
        () => true,
      );
      if (lost) return;
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  GPUAdapter.prototype.requestDevice = async function (this: GPUAdapter, ...args) {
    const device = await requestDevice.apply(this, args);
    devices.set(device.queue, device);
    return device;
  };
  GPUDevice.prototype.createBuffer = function (this: GPUDevice, descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    devices.set(buffer, this);
    return buffer;
  };
  GPUBuffer.prototype.mapAsync = function (this: GPUBuffer, ...args) {
    return hurry(devices.get(this), mapAsync.apply(this, args));
  };
  GPUQueue.prototype.onSubmittedWorkDone = function (this: GPUQueue) {
    return hurry(devices.get(this), onSubmittedWorkDone.call(this));
  };
}
