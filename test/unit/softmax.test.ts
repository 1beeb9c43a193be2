import { expect } from "chai";
import { imageToTensor } from "../../src/kernels/image.js";
import { argMax, confusionMatrix } from "../../src/kernels/labels.js";
import { logSoftmax, softmax } from "../../src/kernels/softmax.js";
import { ShapeError } from "../../src/tensor/errors.js";
import { input, type Tensor } from "../../src/tensor/tensor.js";

const x = input([2, 3, 5, 7]);
const refuse = (build: () => Tensor, message: string): void => void expect(build).to.throw(ShapeError, message);

describe("softmax", () => {
  it("runs over the channels by default, over the only axis of rank 1", () => {
    expect(softmax(x).attrs).to.deep.equal({ axes: [1] });
    expect(logSoftmax(input([4])).attrs).to.deep.equal({ axes: [0] });
  });

  it("counts negative axes from the back, in any order", () => {
    expect(softmax(x, { axes: [-1, -2] }).attrs).to.deep.equal({ axes: [2, 3] });
  });

  it("refuses axes that are not there, named twice or none", () => {
    refuse(() => softmax(x, { axes: [4] }), "softmax: axis 4 is outside a tensor of rank 4");
    refuse(() => logSoftmax(x, { axes: [1, -3] }), "logSoftmax: axes [1, -3] name an axis of x [2, 3, 5, 7] twice");
    refuse(() => softmax(x, { axes: [] }), "softmax: axes is empty");
    refuse(() => softmax(input([], "f32"), { axes: [0] }), "softmax: x is a scalar");
    refuse(() => softmax(input([3], "i32")), "softmax: x is i32 [3]: only f32 has a softmax");
  });
});

describe("argMax", () => {
  it("removes the class axis by default", () => {
    const y = argMax(x);
    expect([y.shape, y.dtype]).to.deep.equal([[2, 5, 7], "i32"]);
    expect(argMax(x, { axis: -1, keepDims: true }).shape).to.deep.equal([2, 3, 5, 1]);
  });

  it("refuses what has no largest element along the axis", () => {
    refuse(() => argMax(x, { axis: 4 }), "argMax: axis 4 is outside a tensor of rank 4");
    refuse(() => argMax(input([2], "i32")), "argMax: x is i32 [2]: it must be f32");
    refuse(() => argMax(input([]), { axis: 0 }), "argMax: x is a scalar");
  });
});

describe("confusionMatrix", () => {
  it("refuses floats, different shapes and no classes", () => {
    const labels = input([1, 4, 4], "i32");
    refuse(
      () => confusionMatrix(labels, input([1, 4, 4]), { classes: 2 }),
      "labels are i32 and the prediction is f32: both must be i32",
    );
    refuse(
      () => confusionMatrix(labels, input([4, 4], "i32"), { classes: 2 }),
      "labels are [1, 4, 4] but the prediction is [4, 4]: they must be equal",
    );
    refuse(() => confusionMatrix(labels, labels, { classes: 0 }), "classes is 0: use an integer of at least 1");
  });
});

describe("imageToTensor", () => {
  const rgba = input([1, 4, 6], "u32");
  it("fills in its attributes", () => {
    const y = imageToTensor(rgba, { scale: 2 });
    expect([y.shape, y.attrs]).to.deep.equal([[1, 3, 4, 6], { mean: [0, 0, 0], scale: [2, 2, 2], order: "rgb" }]);
  });

  it("refuses other inputs and attributes", () => {
    refuse(() => imageToTensor(input([1, 4, 6], "i32")), "rgba is i32 [1, 4, 6]: it must be u32");
    refuse(() => imageToTensor(input([4, 6], "u32")), "rgba is [4, 6]: it must be [N, H, W]");
    refuse(() => imageToTensor(rgba, { mean: [1, 2, NaN] }), "mean is [1, 2, NaN]: give three finite numbers");
    refuse(() => imageToTensor(rgba, { order: "gbr" as "bgr" }), 'order is gbr: use "rgb" or "bgr"');
  });
});
