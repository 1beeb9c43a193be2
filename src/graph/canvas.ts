/** From a buffer of pixels to a canvas, on the GPU: a triangle over the whole canvas, whose fragments read the words. Nothing is read back. */
import { allocate } from "../gpu/allocate.js";
import { inScopes } from "../gpu/scopes.js";
import { InputError } from "../tensor/errors.js";

/** What can be drawn onto: a canvas, which gets the image's size, or a context that its owner has configured, which the image is scaled to. */
export type DrawTarget = HTMLCanvasElement | OffscreenCanvas | GPUCanvasContext;

export interface PixelsInBuffer {
  /** A word a pixel, red in the lowest byte, row by row. */
  readonly range: GPUBufferBinding;
  readonly width: number;
  readonly height: number;
}

export interface Painter {
  /** Adds the pass. To be submitted in the task that calls it: the canvas takes back its texture at the end. */
  paint(encoder: GPUCommandEncoder, surface: Surface, pixels: PixelsInBuffer): void;
  dispose(): void;
}

/** A context that is configured for the device. */
export interface Surface {
  readonly context: GPUCanvasContext;
  /** Whether the canvas is to get the image's size. */
  readonly isSized: boolean;
}

/** Configures a canvas; a context is its owner's. Throws InputError for what cannot be drawn onto. */
export function surfaceOf(device: GPUDevice, target: DrawTarget): Surface {
  if ("getCurrentTexture" in target) {
    // Absent in browsers of before 2025.
    const known = target.getConfiguration?.();
    if (known === null)
      throw new InputError(
        "draw: the context is not configured: call configure({ device: gpu.device, format }), or pass the canvas",
      );
    if (known && known.device !== device)
      throw new InputError("draw: the context is configured for another device: configure it for gpu.device, or pass the canvas");
    return { context: target, isSized: false };
  }
  const context = target.getContext("webgpu");
  if (!context)
    throw new InputError(
      "draw: the canvas gives no WebGPU context: it has one of another kind already (2d, webgl), or was transferred; make a new one",
    );
  // Once: configuring clears the canvas.
  if (context.getConfiguration?.()?.device !== device && configuredFor.get(context) !== device) {
    context.configure({ device, format: navigator.gpu.getPreferredCanvasFormat(), alphaMode: "opaque" });
    configuredFor.set(context, device);
  }
  return { context, isSized: true };
}

/** By surfaceOf, where contexts do not say it themselves. */
const configuredFor = new WeakMap<GPUCanvasContext, GPUDevice>();

/** The image's size, or less where a texture cannot have it. */
function fitted({ width, height }: PixelsInBuffer, most: number): { readonly width: number; readonly height: number } {
  const factor = Math.min(1, most / width, most / height);
  return { width: Math.max(1, Math.floor(width * factor)), height: Math.max(1, Math.floor(height * factor)) };
}

const SHADER = /* wgsl */ `
struct Sizes {
  image: vec2f,
  canvas: vec2f,
}
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;

@vertex
fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(select(-1.0, 3.0, i == 1u), select(-1.0, 3.0, i == 2u), 0.0, 1.0);
}

@fragment
fn colour(@builtin(position) at: vec4f) -> @location(0) vec4f {
  let size = vec2u(sizes.image);
  // The nearest: fragments have their centres at halves.
  let pixel = min(vec2u(at.xy * sizes.image / sizes.canvas), size - 1u);
  return unpack4x8unorm(pixels[pixel.y * size.x + pixel.x]);
}
`;

const SIZES_BYTES = 16;

/** Throws OutOfMemoryError. */
export async function createPainter(device: GPUDevice): Promise<Painter> {
  const pipelines = new Map<GPUTextureFormat, GPURenderPipeline>();
  const layout = device.createBindGroupLayout({
    entries: [
      { binding: 0, visibility: 2, buffer: { type: "uniform" } }, // GPUShaderStage.FRAGMENT
      { binding: 1, visibility: 2, buffer: { type: "read-only-storage" } },
    ],
  });
  const gpu: Parameters<typeof allocate>[0] = {
    device,
    limits: device.limits,
    scoped: (what, work, shortage) => inScopes(device, what, work, { shortage }),
  };
  const need = { by: "draw", what: "drawing onto a canvas", remedy: "dispose other programs" };
  const sizes = await allocate(gpu, need, (make) =>
    make.buffer("sizes of image and canvas", SIZES_BYTES, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST),
  );

  function pipelineFor(format: GPUTextureFormat): GPURenderPipeline {
    let pipeline = pipelines.get(format);
    if (!pipeline) {
      const module = device.createShaderModule({ label: "canvas", code: SHADER });
      pipeline = device.createRenderPipeline({
        label: "canvas",
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        vertex: { module, entryPoint: "corner" },
        fragment: { module, entryPoint: "colour", targets: [{ format }] },
      });
      pipelines.set(format, pipeline);
    }
    return pipeline;
  }

  return {
    paint(encoder, { context, isSized }, pixels) {
      if (isSized) {
        const { width, height } = fitted(pixels, device.limits.maxTextureDimension2D);
        // Setting them clears the canvas, also to what they are.
        if (context.canvas.width !== width) context.canvas.width = width;
        if (context.canvas.height !== height) context.canvas.height = height;
      }
      const texture = context.getCurrentTexture();
      device.queue.writeBuffer(sizes, 0, Float32Array.of(pixels.width, pixels.height, texture.width, texture.height));
      const group = device.createBindGroup({
        layout,
        entries: [
          { binding: 0, resource: { buffer: sizes } },
          { binding: 1, resource: pixels.range },
        ],
      });
      const pass = encoder.beginRenderPass({
        colorAttachments: [{ view: texture.createView(), loadOp: "clear", storeOp: "store" }],
      });
      pass.setPipeline(pipelineFor(texture.format));
      pass.setBindGroup(0, group);
      pass.draw(3);
      pass.end();
    },
    dispose: () => sizes.destroy(),
  };
}
