/** A net as data: layers in order with their shapes, [C, H, W] without the batch, which is 1. Every engine builds its own model from this. */

export type ImageShape = readonly [channels: number, height: number, width: number];

interface LayerBase {
  readonly name: string;
  /** Names of the layers whose outputs it takes; "x" is the net's input. */
  readonly inputs: readonly string[];
}

export interface ConvLayer extends LayerBase {
  readonly op: "conv" | "deconv";
  readonly channelsIn: number;
  readonly channelsOut: number;
  readonly kernel: number;
  readonly stride: number;
  /** A transposed convolution's padding crops so many pixels from each side of its full output. */
  readonly padding: number;
  readonly relu: boolean;
  readonly bias: boolean;
}

export interface PoolLayer extends LayerBase {
  readonly op: "pool";
  readonly kernel: number;
  readonly stride: number;
}

export interface AddLayer extends LayerBase {
  readonly op: "add";
}

export type Layer = ConvLayer | PoolLayer | AddLayer;

/** A net in the order in which it is computed. */
export interface Net {
  readonly input: ImageShape;
  readonly layers: readonly Layer[];
  /** Of every layer's output by its name, and of "x". */
  readonly shapes: Readonly<Record<string, ImageShape>>;
  readonly output: string;
  /** Multiply-adds of the convolutions count as two; nothing else counts. */
  readonly flops: number;
}

const pixelsAlong = (size: number, kernel: number, stride: number, padding: number): number =>
  Math.floor((size + 2 * padding - kernel) / stride) + 1;

interface ConvChoice {
  readonly stride?: number;
  readonly padding?: number;
  readonly relu?: boolean;
  readonly from?: string;
}

/** Puts layers one behind another. */
export class NetBuilder {
  private readonly layers: Layer[] = [];
  private readonly shapes: Record<string, ImageShape>;
  private output = "x";
  private flops = 0;

  constructor(private readonly input: ImageShape) {
    this.shapes = { x: input };
  }

  conv(name: string, channelsOut: number, kernel: number, choice: ConvChoice = {}): string {
    const { stride = 1, padding = 0, relu = true, from = this.output } = choice;
    const [channelsIn, h, w] = this.shapes[from]!;
    const shape: ImageShape = [channelsOut, pixelsAlong(h, kernel, stride, padding), pixelsAlong(w, kernel, stride, padding)];
    this.flops += 2 * shape[1] * shape[2] * channelsOut * channelsIn * kernel ** 2;
    return this.push(
      { op: "conv", name, inputs: [from], channelsIn, channelsOut, kernel, stride, padding, relu, bias: true },
      shape,
    );
  }

  deconv(name: string, channelsOut: number, kernel: number, stride: number, padding: number): string {
    const [channelsIn, h, w] = this.shapes[this.output]!;
    const along = (size: number): number => (size - 1) * stride + kernel - 2 * padding;
    this.flops += 2 * h * w * channelsIn * channelsOut * kernel ** 2;
    const conv = { channelsIn, channelsOut, kernel, stride, padding, relu: false, bias: false };
    return this.push({ op: "deconv", name, inputs: [this.output], ...conv }, [channelsOut, along(h), along(w)]);
  }

  pool(name: string, kernel: number, stride: number): string {
    const [channels, h, w] = this.shapes[this.output]!;
    const shape: ImageShape = [channels, pixelsAlong(h, kernel, stride, 0), pixelsAlong(w, kernel, stride, 0)];
    return this.push({ op: "pool", name, inputs: [this.output], kernel, stride }, shape);
  }

  add(name: string, a: string, b: string): string {
    return this.push({ op: "add", name, inputs: [a, b] }, this.shapes[a]!);
  }

  net(): Net {
    return { input: this.input, layers: this.layers, shapes: this.shapes, output: this.output, flops: this.flops };
  }

  private push(layer: Layer, shape: ImageShape): string {
    this.layers.push(layer);
    this.shapes[layer.name] = shape;
    this.output = layer.name;
    return layer.name;
  }
}

export function net(input: ImageShape, build: (builder: NetBuilder) => void): Net {
  const builder = new NetBuilder(input);
  build(builder);
  return builder.net();
}
