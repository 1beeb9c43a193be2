import { expect } from "chai";
import { formatTable, percentOf } from "../../demo/tables.js";

describe("the demo's tables", () => {
  it("give one seed's value in percent, several seeds' mean and half their range", () => {
    expect(percentOf([0.7123])).to.equal("71.2");
    expect(percentOf([0.7, 0.71, 0.75])).to.equal("72.0 ± 2.5");
  });

  it("align their columns", () => {
    const text = formatTable({
      head: ["net", "IU"],
      rows: [
        ["single", "9.5"],
        ["skip", "61.0"],
      ],
    });
    expect(text).to.equal("net       IU\n------  ----\nsingle   9.5\nskip    61.0");
  });
});
