/** Every kind of image that run() takes, against the same pixels as a typed array: packed u32 [1, H, W] through imageToTensor, and f32 [1, 3, H, W]. */
import { expect } from "chai";
import {
  graph,
  imageToTensor,
  input,
  InputError,
  openGpu,
  relu,
  type Data,
  type Gpu,
  type ImageSource,
  type Program,
  type Tensor,
} from "../../src/index.js";

// Even, as the chroma planes of video want it; neither a multiple of 4 nor square.
const WIDTH = 10;
const HEIGHT = 6;

/** Opaque pixels that differ in every channel, row and column. */
function testPixels(): ImageData {
  const image = new ImageData(WIDTH, HEIGHT);
  for (let p = 0; p < WIDTH * HEIGHT; p++) {
    const [y, x] = [Math.floor(p / WIDTH), p % WIDTH];
    image.data.set([20 * x + y, 40 * y + x, 255 - 7 * x - 11 * y, 255], 4 * p);
  }
  return image;
}

function painted<C extends HTMLCanvasElement | OffscreenCanvas>(canvas: C): C {
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
  context.putImageData(testPixels(), 0, 0);
  return canvas;
}

/** The pixels as numbers, without the browser's help: [1, 3, H, W], 0 to 255. */
function planes({ data }: ImageData): Float32Array {
  const pixels = WIDTH * HEIGHT;
  return Float32Array.from({ length: 3 * pixels }, (_, i) => data[4 * (i % pixels) + Math.floor(i / pixels)]!);
}

const SOURCES: Readonly<Record<string, () => ImageSource | Promise<ImageSource>>> = {
  ImageData: testPixels,
  HTMLCanvasElement: () => painted(document.createElement("canvas")),
  OffscreenCanvas: () => painted(new OffscreenCanvas(WIDTH, HEIGHT)),
  ImageBitmap: async () => await createImageBitmap(testPixels()),
  "VideoFrame of a canvas": () => new VideoFrame(painted(new OffscreenCanvas(WIDTH, HEIGHT)), { timestamp: 0 }),
  "VideoFrame of RGBA bytes": () =>
    new VideoFrame(testPixels().data, { format: "RGBA", codedWidth: WIDTH, codedHeight: HEIGHT, timestamp: 0 }),
};

describe("image inputs", () => {
  let gpu: Gpu;
  let packed: Program<{ image: Tensor }, { planes: Tensor }>;
  let float: Program<{ image: Tensor }, { planes: Tensor }>;

  before(async () => {
    gpu = await openGpu({ checked: true });
    packed = await gpu.compile(
      graph({ image: input([1, HEIGHT, WIDTH], "u32") }, ({ image }) => ({ planes: imageToTensor(image) })),
    );
    float = await gpu.compile(graph({ image: input([1, 3, HEIGHT, WIDTH]) }, ({ image }) => ({ planes: relu(image) })));
  });

  after(() => gpu[Symbol.dispose]());

  const want = (): number[] => [...planes(testPixels())];
  const planesOf = async (program: typeof packed, image: Data): Promise<number[]> => [...(await program.run({ image })).planes];

  it("typed arrays, which the others are held against", async () => {
    const bytes = testPixels().data;
    expect(await planesOf(packed, new Uint32Array(bytes.buffer))).to.deep.equal(want());
    expect(await planesOf(float, planes(testPixels()))).to.deep.equal(want());
  });

  for (const [name, make] of Object.entries(SOURCES)) {
    it(name, async () => {
      const image = await make();
      expect(await planesOf(packed, image), "u32").to.deep.equal(want());
      expect(await planesOf(float, image), "f32").to.deep.equal(want());
      if ("close" in image) image.close();
    });
  }

  it("an image of another size than the graph's", async () => {
    const image = new ImageData(Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 255), 2, 1);
    expect(await planesOf(packed, image)).to.deep.equal([1, 4, 2, 5, 3, 6]);
  });

  it("closed images are refused by name, and the program works on", async () => {
    const bitmap = await createImageBitmap(testPixels());
    bitmap.close();
    const frame = new VideoFrame(painted(new OffscreenCanvas(WIDTH, HEIGHT)), { timestamp: 0 });
    frame.close();
    for (const [name, image] of Object.entries({ ImageBitmap: bitmap, VideoFrame: frame })) {
      const error = await packed.run({ image }).then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(InputError);
      expect((error as Error).message).to.include(`input image: the ${name} is 0 x 0`);
    }
    expect(await planesOf(packed, testPixels())).to.deep.equal(want());
  });
});
