/** Of flatbuffers, what is used here: types are checked whether or not it is installed. */

export class Builder {
  space: number;
  bb: { bytes(): Uint8Array };
  constructor(size: number);
  startVector(elementSize: number, length: number, alignment: number): void;
  addInt32(value: number): void;
  addOffset(offset: number): void;
  endVector(): number;
  startObject(fields: number): void;
  addFieldInt8(field: number, value: number, absent: number): void;
  addFieldInt32(field: number, value: number, absent: number): void;
  addFieldOffset(field: number, offset: number, absent: number): void;
  endObject(): number;
  createString(text: string): number;
  finish(root: number, identifier: string): void;
  asUint8Array(): Uint8Array;
}
