/**
 * Firefox looks for finished GPU work every 100 ms, and whenever something is submitted: a test that reads back one small buffer waits
 * 102 ms, with empty submits meanwhile 5 ms (measured, Firefox 153). So, in the runner's pages, waits submit nothing every few
 * milliseconds: it cuts the tests' time to a tenth and changes no result. The submits go past anything that counts the engine's.
 */
const EVERY_MS = 2;

export function hurryFirefoxMaps(): void {
  const { submit, onSubmittedWorkDone } = GPUQueue.prototype;
  const { createBuffer } = GPUDevice.prototype;
  const { mapAsync } = GPUBuffer.prototype;
  const queues = new WeakMap<GPUBuffer, GPUQueue>();

  async function hurry<T>(queue: GPUQueue | undefined, work: Promise<T>): Promise<T> {
    if (queue === undefined) return await work;
    const timer = setInterval(() => submit.call(queue, []), EVERY_MS);
    return await work.finally(() => clearInterval(timer));
  }

  GPUDevice.prototype.createBuffer = function (this: GPUDevice, descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    queues.set(buffer, this.queue);
    return buffer;
  };
  GPUBuffer.prototype.mapAsync = function (this: GPUBuffer, ...args) {
    return hurry(queues.get(this), mapAsync.apply(this, args));
  };
  GPUQueue.prototype.onSubmittedWorkDone = function (this: GPUQueue) {
    return hurry(this, onSubmittedWorkDone.call(this));
  };
}
