import { expect } from "chai";
import { classIU, segmentationMetrics } from "../../src/fcn/metrics.js";

describe("segmentation metrics", () => {
  it("are 1 where all is right", () => {
    expect(segmentationMetrics([1, 0, 0, 0, 2, 0, 0, 0, 3])).to.deep.equal({
      pixelAccuracy: 1,
      meanAccuracy: 1,
      meanIU: 1,
      frequencyWeightedIU: 1,
    });
  });

  // Truth 0 0 1, prediction 0 2 1: IU 1/2, 1 and, predicted but absent, 0.
  it("count a class that is only predicted as IU 0 and leave it out of the accuracies", () => {
    const counts = Int32Array.of(1, 0, 1, 0, 1, 0, 0, 0, 0);
    expect(classIU(counts)).to.deep.equal([0.5, 1, 0]);
    const { pixelAccuracy, meanAccuracy, meanIU, frequencyWeightedIU } = segmentationMetrics(counts);
    expect(pixelAccuracy).to.be.closeTo(2 / 3, 1e-15);
    expect(meanAccuracy).to.equal(0.75);
    expect(meanIU).to.equal(0.5);
    expect(frequencyWeightedIU).to.be.closeTo((2 * 0.5 + 1 * 1) / 3, 1e-15);
  });

  it("leave out a class that is neither in the truth nor predicted", () => {
    const counts = [3, 0, 1, 0, 0, 0, 2, 0, 4];
    expect(classIU(counts)[1]).to.be.NaN;
    const { pixelAccuracy, meanAccuracy, meanIU, frequencyWeightedIU } = segmentationMetrics(counts);
    expect(pixelAccuracy).to.equal(0.7);
    expect(meanAccuracy).to.be.closeTo((3 / 4 + 4 / 6) / 2, 1e-15);
    expect(meanIU).to.be.closeTo((3 / 6 + 4 / 7) / 2, 1e-15);
    expect(frequencyWeightedIU).to.be.closeTo((4 * (3 / 6) + 6 * (4 / 7)) / 10, 1e-15);
  });

  it("are NaN where no pixel was counted", () => {
    expect(Object.values(segmentationMetrics(new Int32Array(4))).every(Number.isNaN)).to.equal(true);
  });

  it("refuse counts that are no square matrix", () => {
    expect(() => segmentationMetrics([1, 2, 3])).to.throw(RangeError, "3 counts is not square");
  });
});
