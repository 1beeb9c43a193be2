/** From what a caller hands to run() or train() to the buffers of a plan. */
import type { GpuContext } from "../gpu/context.js";
import type { Shortage } from "../gpu/scopes.js";
import { InputError } from "../tensor/errors.js";
import { formatShape, sameShape, type Shape } from "../tensor/shape.js";
import { topological, type Tensor } from "../tensor/tensor.js";
import type { Graph, Names } from "./graph.js";
import { checkInput, labelRules, type CheckedInput, type Data } from "./inputs.js";
import { writePieces } from "./pieces.js";
import type { CompiledPlan } from "./plan.js";

export function shapesOf(inputs: ReadonlyMap<string, CheckedInput>): Record<string, Shape> {
  return Object.fromEntries([...inputs].map(([name, { shape }]) => [name, shape]));
}

/** Each once; all where none are asked for. Throws InputError for one that is not there. */
export function outputNames<O extends Names>(graph: Graph<Names, O>, asked: readonly (keyof O)[] | undefined): string[] {
  const all = Object.keys(graph.outputs);
  const names = (asked as readonly string[] | undefined) ?? all;
  for (const name of names)
    if (!all.includes(name)) throw new InputError(`there is no output ${name}: the outputs are ${all.join(", ")}`);
  if (names.length === 0) throw new InputError("outputs is empty: name at least one output, or leave it out for all");
  return [...new Set(names)];
}

/** The graph itself where the shapes are its own. An input without a shape, as labels that no output needs, follows those with one. */
export function specializeGraph<I extends Names, O extends Names>(
  graph: Graph<I, O>,
  shapes: Readonly<Record<string, Shape>>,
): Graph<I, O> {
  const same = Object.entries(shapes).every(([name, shape]) => graph.inputs[name] && sameShape(graph.inputs[name].shape, shape));
  if (same) return graph;
  const others = Object.entries(graph.inputs).filter(([name]) => !(name in shapes));
  const following = others.map(([name, { shape }]) => [name, followingShape(shape, graph.inputs, shapes)] as const);
  return graph.resize({ ...shapes, ...Object.fromEntries(following) } as Parameters<typeof graph.resize>[0]);
}

/** The batch, and extents counted from the end, change with an input that had the same ones: labels [N, H, W] with the image [N, C, H, W]. */
function followingShape(shape: Shape, inputs: Names, shapes: Readonly<Record<string, Shape>>): Shape {
  return shape.map((extent, axis) => {
    const index = axis === 0 ? 0 : axis - shape.length;
    const leader = Object.keys(shapes).find((name) => inputs[name]?.shape.at(index) === extent);
    return (leader === undefined ? undefined : shapes[leader]!.at(index)) ?? extent;
  });
}

/** Throws InputError for an input that is missing, unknown, or does not fit. */
export function checkInputs<I extends Names, O extends Names>(
  graph: Graph<I, O>,
  given: Readonly<Record<string, Data>>,
  outputs: readonly O[keyof O][],
): Map<string, CheckedInput> {
  for (const name of Object.keys(given)) {
    if (!(name in graph.inputs))
      throw new InputError(`there is no input ${name}: the inputs are ${Object.keys(graph.inputs).join(", ")}`);
  }
  const rules = labelRules(outputs);
  const needed = neededInputs(outputs);
  const checked = new Map<string, CheckedInput>();
  for (const [name, tensor] of Object.entries(graph.inputs)) {
    // One that is given without need still tells the size that the graph is built for.
    if (!needed.has(name) && given[name] === undefined) continue;
    checked.set(name, checkInput(name, tensor, given[name], rules.get(tensor)));
  }
  for (const [name, { shape }] of checked) {
    const own = graph.inputs[name]!.shape;
    if (shape[1] !== undefined && own.length === 4 && shape[1] !== own[1]) {
      throw new InputError(
        `input ${name}: shape ${formatShape(shape)} has ${shape[1]} channels but the graph's ${formatShape(own)} has ${own[1]}`,
      );
    }
  }
  return checked;
}

function neededInputs(outputs: readonly Tensor[]): Set<string> {
  return new Set(
    topological(outputs)
      .filter((t) => t.op === "input")
      .map((t) => t.name),
  );
}

/** Writes checked inputs into a plan's buffers. */
export function upload(gpu: GpuContext, plan: CompiledPlan, inputs: ReadonlyMap<string, CheckedInput>): void {
  for (const [name, pieces] of plan.inputs)
    writePieces(gpu.device, pieces, inputs.get(name)!.data, (part) => plan.executable.rangeOf(part));
}

/** The message where the device cannot hold `upload`'s copies. A training step is then taken all the same, for nobody waits for it. */
export function noRoomForInputs(by: "run" | "train" | "profile"): Shortage {
  const after =
    by === "train" ? "steps since the last loss may have been taken on other data: resume from a checkpoint, then " : "";
  return (message) =>
    `${by}: the device has no room for copies of the inputs on their way to it (${message}): ${after}use a smaller batch or image`;
}
