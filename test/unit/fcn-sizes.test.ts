/** Every net at drawn sizes, the smallest it takes among them: the scores have the image's size, and what is too small is refused by the image's name, not a layer's. */
import { expect } from "chai";
import { fcn, graph, input, multiHeadFcn, ShapeError, trunkOf, type NetOptions, type TrunkName } from "../../src/index.js";
import { fcnLayers } from "../../src/fcn/fcn.js";
import { TRUNK_NAMES } from "../../src/fcn/trunks.js";
import { uniform } from "../../src/tensor/random.js";

/** Smallest images that the authors' padding suffices for; 1 for the others. */
const SMALLEST: Partial<Record<TrunkName, number>> = { lenet: 5, googlenet: 31, "googlenet-torchvision": 15, squeezenet: 15 };
const DRAWN = 3;

describe("fcn at drawn sizes", () => {
  for (const trunk of TRUNK_NAMES) {
    for (const padding of ["caffe", "minimal", "same"] as const satisfies readonly NetOptions["padding"][]) {
      it(`${trunk}, padding ${padding}`, () => {
        const random = uniform(17);
        const least = padding === "caffe" ? (SMALLEST[trunk] ?? 1) : 1;
        const side = (): number => least + Math.floor(random() * 90);
        for (const variant of Object.keys(trunkOf(trunk).heads)) {
          const net = { trunk, variant, classes: 3, width: 1 / 32, padding };
          const sizes = [[least, least] as const, ...Array.from({ length: DRAWN }, () => [side(), side()] as const)];
          for (const size of sizes)
            expect(fcn({ ...net, size }).outputs.scores.shape, `${variant} at ${size.join("x")}`).to.deep.equal([1, 3, ...size]);
          if (least === 1) continue;
          const below = [least - 1, least + 40] as const;
          expect(() => fcn({ ...net, size: below }), variant).to.throw(
            ShapeError,
            `fcn: ${variant} on ${trunk}: an image of ${below.join("x")} is too small: it takes ${least}x${least} and more; pad the image, or use padding "minimal" or "same", which take any size`,
          );
        }
      });
    }
  }

  it("of nets with several heads are refused alike", () => {
    const heads = { a: { variant: "8s", classes: 3 }, b: { variant: "32s", classes: 2 } };
    expect(() => multiHeadFcn({ trunk: "googlenet", heads, size: [20, 500] })).to.throw(
      ShapeError,
      /fcn: 8s, 32s on googlenet: an image of 20x500 is too small: it takes 31x31 and more/,
    );
  });

  it("leave other mistakes in the layer's words", () => {
    expect(() =>
      graph(
        { image: input([1, 3, 64]) },
        ({ image: flat }) => ({ ...fcnLayers(flat, { trunk: "vgg16", variant: "8s", classes: 3 }) }) as never,
      ),
    ).to.throw(ShapeError, /rank 4/);
  });
});
