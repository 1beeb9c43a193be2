/** A part of a buffer: where a tensor lies. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

export function wholeBuffer(buffer: GPUBuffer): BufferRange {
  return { buffer, offset: 0, size: buffer.size };
}
