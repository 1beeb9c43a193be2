/** Images without pixels, as inputs: an error that names the input and the image, before anything reaches a GPU. Stand-ins take the place of browser classes. */
import { expect } from "chai";
import { input, InputError, type Data } from "../../src/index.js";
import { checkInput } from "../../src/graph/inputs.js";

/** `kind` exists as a global class while `run` runs, and `make` makes one with these fields. */
function withGlobal(kind: string, run: (make: (fields: object) => Data) => void): void {
  const own = Object.getOwnPropertyDescriptor(globalThis, kind);
  const StandIn = class {};
  Object.defineProperty(globalThis, kind, { value: StandIn, configurable: true });
  try {
    run((fields) => Object.assign(new StandIn(), fields) as Data);
  } finally {
    if (own) Object.defineProperty(globalThis, kind, own);
    else Reflect.deleteProperty(globalThis, kind);
  }
}

const pixels = input([1, 4, 4], "u32");
const give = (image: Data) => () => checkInput("photo", pixels, image, undefined);

describe("image inputs without pixels", () => {
  it("a closed ImageBitmap", () => {
    withGlobal("ImageBitmap", (make) => {
      expect(give(make({ width: 0, height: 0 }))).to.throw(InputError, "input photo: the ImageBitmap is 0 x 0: it is closed");
    });
  });

  it("a closed VideoFrame", () => {
    withGlobal("VideoFrame", (make) => {
      expect(give(make({ displayWidth: 0, displayHeight: 0 }))).to.throw(InputError, "input photo: the VideoFrame is 0 x 0");
    });
  });

  it("a canvas of height 0", () => {
    withGlobal("OffscreenCanvas", (make) => {
      expect(give(make({ width: 4, height: 0 }))).to.throw(InputError, "input photo: the OffscreenCanvas is 4 x 0");
    });
  });

  it("a video that has not loaded, and one without a frame", () => {
    withGlobal("HTMLVideoElement", (make) => {
      expect(give(make({ videoWidth: 0, videoHeight: 0, readyState: 0 }))).to.throw(
        InputError,
        "input photo: the HTMLVideoElement is 0 x 0",
      );
      expect(give(make({ videoWidth: 4, videoHeight: 4, readyState: 1 }))).to.throw(
        InputError,
        "has no frame yet (readyState 1)",
      );
    });
  });

  it("an ImageData of width 0, and one whose buffer is gone", () => {
    expect(give({ width: 0, height: 4, data: new Uint8ClampedArray(0) } as ImageData)).to.throw(
      InputError,
      "input photo: the ImageData is 0 x 4",
    );
    expect(give({ width: 4, height: 4, data: new Uint8ClampedArray(0) } as ImageData)).to.throw(
      InputError,
      "4 x 4 but holds 0 bytes",
    );
  });

  it("an image for an input that takes none", () => {
    const image = { width: 1, height: 1, data: new Uint8ClampedArray(4) } as ImageData;
    expect(() => checkInput("photo", input([4, 4]), image, undefined)).to.throw(InputError, "an image goes into u32 [1, H, W]");
  });
});
