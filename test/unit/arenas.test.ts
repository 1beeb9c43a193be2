import { expect } from "chai";
import { joinSlots, packArenas } from "../../src/graph/arenas.js";

describe("arenas of parameters", () => {
  const items = [
    { bytes: 64, group: "weights" },
    { bytes: 16, group: "biases" },
    { bytes: 256, group: "weights" },
    { bytes: 512, group: "weights" },
    { bytes: 4096, group: "weights" },
    { bytes: 32, group: "biases" },
  ];
  const { slots, arenas } = packArenas(items, 1024);

  it("hold items of one group at aligned offsets, up to the limit", () => {
    expect(slots.map(({ arena, offset }) => [arena, offset])).to.deep.equal([
      [0, 0],
      [1, 0],
      [0, 256],
      [0, 512],
      [2, 0],
      [1, 256],
    ]);
    expect(arenas).to.deep.equal([1024, 288, 4096]);
  });

  it("are joined into one run where nothing lies between", () => {
    expect(joinSlots([slots[3]!, slots[0]!, slots[2]!, slots[5]!, slots[1]!])).to.deep.equal([
      { arena: 0, start: 0, end: 1024 },
      { arena: 1, start: 0, end: 288 },
    ]);
  });

  it("are not joined over an item that was left out", () => {
    expect(joinSlots([slots[0]!, slots[3]!])).to.deep.equal([
      { arena: 0, start: 0, end: 64 },
      { arena: 0, start: 512, end: 1024 },
    ]);
  });
});
