/** safetensors read and written piece by piece, and what hostile files are refused for. */
import { expect } from "chai";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { WeightsError, type Weights } from "../../src/index.js";
import {
  loadSafetensors,
  openSafetensors,
  safetensorsPieces,
  writeSafetensors,
  type FileSource,
} from "../../src/weights/index.js";
import { readSafetensors } from "../../src/weights/safetensors.js";
import { settledArrayBuffers } from "../harness/memory.js";
import { rejects } from "../harness/rejects.js";

/** A file of any header and data, as an attacker would write it. */
function file(header: string | object, data: number | Uint8Array = 0, claimed?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const body = typeof data === "number" ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + text.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(body, 8 + text.length);
  return bytes;
}

/** The same bytes in pieces of `size`, each in the same memory as the one before. */
async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    memory.set(part);
    yield await Promise.resolve(memory.subarray(0, part.length));
    memory.fill(0xff);
  }
}

const weights: Weights = new Map([
  ["conv.weight", { shape: [2, 1, 3, 1], data: Float32Array.of(1, -2, 3.5, 1e-7, -0, 65504) }],
  ["scalar", { shape: [], data: Float32Array.of(7) }],
  ["__proto__", { shape: [1], data: Float32Array.of(9) }],
  ["12", { shape: [2, 0], data: new Float32Array(0) }],
]);
const metadata = { format: "pt", é: "ü" };

describe("safetensors", () => {
  let folder = "";
  before(async () => (folder = await mkdtemp(join(tmpdir(), "fcn-safetensors-"))));
  after(async () => await rm(folder, { recursive: true, force: true }));

  it("gives back what was written, from every kind of source, whatever the pieces", async () => {
    const bytes = writeSafetensors({ tensors: weights, metadata });
    const path = join(folder, "some.safetensors");
    await writeFile(path, safetensorsPieces({ tensors: weights, metadata }));
    const sources: FileSource[] = [
      bytes,
      bytes.slice().buffer,
      new Blob([bytes.slice()]),
      new Response(bytes.slice()),
      new Blob([bytes.slice()]).stream(),
      pathToFileURL(path),
      new URL(`data:application/octet-stream;base64,${Buffer.from(bytes).toString("base64")}`),
      ...[1, 3, 7, 64, 1000].map((size) => inPieces(bytes, size)),
    ];
    for (const source of sources) {
      const { tensors, metadata: texts } = await loadSafetensors(source);
      expect([...tensors]).to.deep.equal([...weights]);
      expect({ ...texts }).to.deep.equal({ format: "pt", é: "ü" });
    }
    expect([...readSafetensors(bytes).tensors]).to.deep.equal([...weights]);
    expect(({} as { polluted?: unknown }).polluted).to.equal(undefined);
    // The data is aligned, as other readers expect.
    expect((8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))) % 8).to.equal(0);
  });

  it("reads the tensors in the order of the file, only those asked for, and lets the file go when left early", async () => {
    const bytes = writeSafetensors({ tensors: weights, metadata });
    const names: string[] = [];
    const open = await openSafetensors(bytes);
    expect(open.entries.map(({ name, shape }) => [name, shape])).to.deep.equal([...weights].map(([n, { shape }]) => [n, shape]));
    for await (const { name } of open.tensors({ only: (n) => n !== "scalar" })) names.push(name);
    expect(names).to.deep.equal(["conv.weight", "__proto__", "12"]);

    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes.slice()),
      cancel: () => void (cancelled = true),
    });
    await (await openSafetensors(stream)).close();
    expect(cancelled).to.equal(true);
  });

  it("converts other element types: halves exactly, doubles and integers to the nearest", async () => {
    const parts: [string, number[], ArrayBufferView, number[]][] = [
      ["F16", [6], Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0x8000), [1, -2, 2 ** -24, 65504, Infinity, -0]],
      ["BF16", [3], Uint16Array.of(0x3f80, 0xc0a0, 0x7f80), [1, -5, Infinity]],
      ["F64", [2], Float64Array.of(0.1, -1e300), [Math.fround(0.1), -Infinity]],
      ["I64", [], BigInt64Array.of(-7n), [-7]],
      ["U8", [3], Uint8Array.of(0, 1, 255), [0, 1, 255]],
      ["I32", [1], Int32Array.of(-(2 ** 24) - 1), [-(2 ** 24)]],
    ];
    let end = 0;
    const data: number[] = [];
    const header = parts.map(([dtype, shape, values]) => {
      data.push(...new Uint8Array(values.buffer));
      const from = end;
      end += values.byteLength;
      return [`the ${dtype}`, { dtype, shape, data_offsets: [from, end] }];
    });
    const bytes = file(Object.fromEntries(header) as object, Uint8Array.from(data));
    for (const { tensors } of [await loadSafetensors(inPieces(bytes, 5)), readSafetensors(bytes)])
      for (const [dtype, , , expected] of parts) expect([...tensors.get(`the ${dtype}`)!.data], dtype).to.deep.equal(expected);
  });

  it("writes halves rounded to nearest, ties to even, and refuses what they cannot hold", async () => {
    const values = Float32Array.of(
      1,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      2 ** -25,
      3 * 2 ** -26,
      -(2 ** -14) * 0.9999,
      65519,
      NaN,
      -Infinity,
    );
    const tensors: Weights = new Map([["w", { shape: [9], data: values }]]);
    const halves = readSafetensors(writeSafetensors({ tensors, metadata: {} }, { dtype: "F16" })).tensors.get("w")!.data;
    expect([...halves]).to.deep.equal([1, 1, 1 + 2 ** -9, 0, 2 ** -24, -(2 ** -14), 65504, NaN, -Infinity]);
    const brain = readSafetensors(writeSafetensors({ tensors, metadata: {} }, { dtype: "BF16" })).tensors.get("w")!.data;
    expect([...brain.slice(0, 3)]).to.deep.equal([1, 1, 1]);
    expect(brain[6]).to.equal(65536);
    const large: Weights = new Map([["w", { shape: [2], data: Float32Array.of(1, 65520) }]]);
    expect(() => writeSafetensors({ tensors: large, metadata: {} }, { dtype: "F16" })).to.throw(
      WeightsError,
      "w holds 65520, which F16",
    );
  });

  // Every half there is, there and back.
  it("keeps every half through reading and writing", () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const header = { w: { dtype: "F16", shape: [65536], data_offsets: [0, 131072] } };
    const { data } = readSafetensors(file(header, new Uint8Array(all.buffer))).tensors.get("w")!;
    const bytes = writeSafetensors({ tensors: new Map([["w", { shape: [65536], data }]]), metadata: {} }, { dtype: "F16" });
    const back = new Uint16Array(bytes.slice(-131072).buffer);
    const wrong = all.filter((bits, i) => back[i] !== bits && !Number.isNaN(data[i]!));
    expect([...wrong]).to.deep.equal([]);
  });

  const f32 = (shape: readonly number[], from: number, to: number): object => ({ dtype: "F32", shape, data_offsets: [from, to] });
  const hostile: readonly [what: string, bytes: Uint8Array, message: RegExp][] = [
    ["nothing", new Uint8Array(0), /0 bytes are too few for a header/],
    ["less than a length", new Uint8Array(7), /7 bytes are too few/],
    ["a header longer than the file", file("{}", 0, 3n), /header claims 3 bytes of 2/],
    ["a header of 2^63 bytes", file("{}", 0, 2n ** 63n), /header claims 9223372036854775808 bytes/],
    ["a header that is no JSON", file("{]"), /not JSON/],
    ["a header that is an array", file("[]"), /not an object/],
    ["a byte order mark", file("\ufeff{}"), /not an object/],
    ["text that is no UTF-8", file({}, 0).fill(0xff, 8), /not UTF-8/],
    ["a hundred thousand brackets", file(`{"a":${"[".repeat(1e5)}`), /nests deeper than 3/],
    [
      "a name twice",
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        4,
      ),
      /has a twice/,
    ],
    ["a dtype twice", file('{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}', 4), /has dtype twice/],
    ["tensors that overlap", file({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8), /b begins at byte 4, inside a, which ends at 8/],
    ["a gap", file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /bytes 4 to 8, in front of b, belong to no tensor/],
    ["bytes behind the last tensor", file({ a: f32([1], 0, 4) }, 8), /end at byte 4 but the data has 8/],
    ["offsets beyond the file", file({ a: f32([2], 0, 8) }, 4), /takes bytes 0 to 8 of 4/],
    ["offsets backwards", file({ a: f32([1], 4, 0) }, 4), /takes bytes 4 to 0/],
    ["offsets that are no integers", file({ a: f32([1], 0, 4.5) }, 4), /no valid shape and data_offsets/],
    ["an offset of 2^53", file({ a: f32([1], 0, 2 ** 53) }, 4), /no valid shape and data_offsets/],
    ["a negative extent", file({ a: f32([-1], 0, 4) }, 4), /no valid shape/],
    ["a shape that overflows", file({ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4), /more than any file holds/],
    ["a shape that wraps around 2^32 to 1", file({ a: f32([65537, 65537, 64897], 0, 4) }, 4), /does not fit F32 of shape/],
    ["no shape", file({ a: { dtype: "F32", data_offsets: [0, 4] } }, 4), /no valid shape/],
    ["an entry that is null", file({ a: null }), /a has no dtype/],
    [
      "a dtype that does not exist",
      file({ a: { dtype: "F8_E4M3", shape: [4], data_offsets: [0, 4] } }, 4),
      /dtype F8_E4M3, which is not one of/,
    ],
    ["a dtype of Object's", file({ a: { dtype: "constructor", shape: [1], data_offsets: [0, 4] } }, 4), /dtype constructor/],
    ["metadata that is no text", file('{"__metadata__":{"a":{}}}'), /__metadata__ holds a, which is no text/],
    ["metadata that is a list", file('{"__metadata__":[]}'), /__metadata__ is not an object/],
  ];
  for (const [what, bytes, message] of hostile) {
    it(`refuses ${what}`, async () => {
      expect(() => readSafetensors(bytes)).to.throw(WeightsError, message);
      await rejects(loadSafetensors(bytes), WeightsError, message);
      // The size is not known beforehand.
      const error = await loadSafetensors(inPieces(bytes, 13)).catch((e: unknown) => e);
      expect(error).to.be.instanceOf(WeightsError);
    });
  }

  it("refuses a stream that ends early, goes on too long, or claims what no memory holds", async () => {
    const bytes = file({ a: f32([4], 0, 16) }, 16);
    await rejects(loadSafetensors(inPieces(bytes.subarray(0, -3), 10)), WeightsError, /ends inside a: 13 of its 16 bytes/);
    const skipped = async (): Promise<void> => {
      for await (const tensor of (await openSafetensors(inPieces(bytes.subarray(0, -3), 10))).tensors({ only: () => false }))
        expect.fail(tensor.name);
    };
    await rejects(skipped(), WeightsError, /ends inside a/);
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    await rejects(loadSafetensors(inPieces(longer, 10)), WeightsError, /more bytes than the tensors take/);
    const huge = file({ a: f32([2 ** 44], 0, 2 ** 46) });
    await rejects(loadSafetensors(inPieces(huge, 10)), WeightsError, /takes 70368744177664 bytes, more than can be had here/);
  });

  it("refuses to write what it would not read", () => {
    const named: Weights = new Map([["__metadata__", { shape: [1], data: new Float32Array(1) }]]);
    expect(() => writeSafetensors({ tensors: named, metadata: {} })).to.throw(WeightsError, "a tensor is called __metadata__");
    const short: Weights = new Map([["w", { shape: [2], data: new Float32Array(1) }]]);
    expect(() => writeSafetensors({ tensors: short, metadata: {} })).to.throw(WeightsError, "w has 1 values but [2] takes 2");
  });

  it("says what is wrong with an address or a source", async () => {
    await rejects(loadSafetensors(pathToFileURL(join(folder, "none"))), WeightsError, /could not be read: check the path/);
    await rejects(loadSafetensors(new Response("", { status: 404 })), WeightsError, /HTTP status 404/);
    await rejects(loadSafetensors("weights.safetensors" as unknown as URL), WeightsError, /new URL\(\.\.\.\)/);
    const aborted = AbortSignal.abort(new Error("enough"));
    await rejects(loadSafetensors(new Uint8Array(8), { signal: aborted }), Error, /enough/);
  });

  it("stops in the middle, and tells how far it is", async () => {
    const bytes = writeSafetensors({ tensors: weights, metadata });
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = loadSafetensors(inPieces(bytes, 50), {
      signal: stop.signal,
      onProgress: ({ done, total }) => {
        expect(total).to.be.at.least(done);
        if (seen.push(done) === 3) stop.abort(new Error("enough"));
      },
    });
    await rejects(reading, Error, /enough/);
    expect(seen).to.deep.equal([50, 100, 150]);
  });

  it("reads 200 MB into 200 MB, and writes them from there", async () => {
    const [MB, count, values] = [2 ** 20, 20, 2_621_440];
    const header = Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`t${i}`, f32([values], 4 * values * i, 4 * values * (i + 1))]),
    );
    const head = file(header);
    const piece = new Uint8Array(65536).fill(1);
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield head;
      for (let left = 4 * values * count; left > 0; left -= piece.length) yield await Promise.resolve(piece);
    }
    const held = (): number => process.memoryUsage().arrayBuffers;
    const before = await settledArrayBuffers();
    let peak = 0;
    const onProgress = (): void => void (peak = Math.max(peak, held() - before));
    const { tensors } = await loadSafetensors(stream(), { onProgress });
    onProgress();
    expect(tensors.size).to.equal(count);
    expect(tensors.get("t19")!.data.at(-1)).to.equal(tensors.get("t0")!.data[0]);
    expect(peak / MB).to.be.within(200, 204);
    peak = 0;
    let written = 0;
    for (const part of safetensorsPieces({ tensors, metadata: {} })) {
      written += part.length;
      onProgress();
    }
    expect(written).to.be.above(200 * MB);
    expect(peak / MB).to.be.below(204);
  });
});
