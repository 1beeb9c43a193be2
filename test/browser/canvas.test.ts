/** segmenter.draw onto canvases of the page: what is on them is what predict says, over the image. */
import { expect } from "chai";
import { InputError, openFcn, openGpu, type Gpu, type Segmentation, type Segmenter } from "../../src/index.js";
import { HEIGHT, NARROW, narrowWeights, WIDTH, waves } from "../harness/narrow-lenet.js";
import { rejects } from "../harness/rejects.js";

/** What is on a canvas behind `draw`. Read in the task of the submit: later a page without a screen may have taken the texture back. */
async function shown(gpu: Gpu, canvas: HTMLCanvasElement | OffscreenCanvas, draw: () => Promise<void>): Promise<number[]> {
  const { queue } = gpu.device;
  let pixels: number[] = [];
  queue.submit = (commands) => {
    GPUQueue.prototype.submit.call(queue, commands);
    const context = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d")!;
    context.drawImage(canvas, 0, 0);
    pixels = [...context.getImageData(0, 0, canvas.width, canvas.height).data];
  };
  try {
    await draw();
  } finally {
    Reflect.deleteProperty(queue, "submit");
  }
  return pixels;
}

describe("drawing onto a canvas", () => {
  let gpu: Gpu;
  let segmenter: Segmenter;
  let result: Segmentation;
  const image = new ImageData(waves(), WIDTH, HEIGHT);

  before(async () => {
    gpu = await openGpu({ checked: true });
    segmenter = await openFcn(gpu, { ...NARROW, weights: narrowWeights() });
    result = await segmenter.predict(image);
  });
  after(() => gpu[Symbol.dispose]());

  const colours = (): number[] => [...result.toImageData().data];

  for (const [name, make] of Object.entries({
    HTMLCanvasElement: () => document.body.appendChild(document.createElement("canvas")),
    OffscreenCanvas: () => new OffscreenCanvas(3, 3),
  })) {
    it(`${name}: takes the image's size and shows the labels' colours, again and again`, async () => {
      const canvas = make();
      for (const _time of [1, 2]) {
        expect(await shown(gpu, canvas, () => segmenter.draw(image, canvas, { opacity: 1 }))).to.deep.equal(colours());
        expect([canvas.width, canvas.height]).to.deep.equal([WIDTH, HEIGHT]);
      }
      expect(await shown(gpu, canvas, () => segmenter.draw(image, canvas, { opacity: 0 }))).to.deep.equal([...image.data]);
    });
  }

  it("a context that its owner configured: the image is scaled to the canvas", async () => {
    const canvas = new OffscreenCanvas(2 * WIDTH, HEIGHT);
    const context = canvas.getContext("webgpu") as GPUCanvasContext;
    context.configure({ device: gpu.device, format: "rgba8unorm" });
    const pixels = await shown(gpu, canvas, () => segmenter.draw(image, context, { opacity: 1 }));
    const twice = Array.from({ length: 2 * WIDTH * HEIGHT }, (_, p) => {
      const from = 4 * (Math.floor(p / 2 / WIDTH) * WIDTH + ((p % (2 * WIDTH)) >> 1));
      return colours().slice(from, from + 4);
    });
    expect(pixels).to.deep.equal(twice.flat());
  });

  it("a canvas with a context of another kind is refused", async () => {
    const canvas = document.createElement("canvas");
    canvas.getContext("2d");
    await rejects(segmenter.draw(image, canvas), InputError, /^draw: the canvas gives no WebGPU context/);
  });
});
