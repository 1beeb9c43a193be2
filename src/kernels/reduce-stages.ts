/** Dispatches of a sum over axes: stages of strips until one term is left for every output. */
import { physicalSize, BYTES_PER_ELEMENT } from "../tensor/layout.js";
import type { Shape } from "../tensor/shape.js";
import { dispatch, grid, inputRef, scratchRef, WORKGROUP_SIZE, type Dispatch, type Ref } from "./op.js";
import { axisTable, coalesce, walk, type Axis } from "./strided.js";

export interface SumProblem {
  readonly output: Shape;
  /** Stride in the input of each logical axis of the output. */
  readonly keptStrides: readonly number[];
  /** Extents and input strides of the axes summed over, in memory order. */
  readonly reduced: readonly Axis[];
}

/**
 * `direct`: strips of up to 256 terms. `strips`: as many strips as terms in each, vec4s where neighbours of the innermost kept axis lie
 * together (or, for a sum of everything, where four neighbouring terms do). `workgroup`: a workgroup for each strip of 16 terms an invocation.
 */
export type Strategy = "direct" | "strips" | "workgroup";

const MAX_STRIP = 256;
const MIN_STRIP = 32;
const WORKGROUP_STRIP = 16 * WORKGROUP_SIZE;

/** One stage's input: what is still summed over, and the kept axes in the output's memory order with their strides. All in units of `lane`s. */
interface Stage {
  readonly reduced: readonly Axis[];
  /** strides: [in the output's memory, in the input]. */
  readonly kept: readonly Axis[];
  readonly lanes: number;
  readonly isVec4: boolean;
}

export function sumStages(
  problem: SumProblem,
  strategy: Strategy,
): { readonly dispatches: readonly Dispatch[]; readonly scratchBytes: readonly number[] } {
  const { axes: kept, lanes } = walk(problem.output, [problem.keptStrides]);
  let stage: Stage = { reduced: coalesce(problem.reduced), kept, lanes, isVec4: false };
  let isLaneSplit = false;
  if (strategy === "strips") {
    const wide = overChannels(stage) ?? overTerms(stage, physicalSize(problem.output));
    if (wide) {
      isLaneSplit = wide.kept.length === 0 && stage.kept.length === 0;
      stage = wide;
    }
  }
  const dispatches: Dispatch[] = [];
  const scratchBytes: number[] = [];
  let from: Ref = inputRef(0);
  for (;;) {
    const { reduced, kept: keptAxes, isVec4 } = stage;
    const term = reduced.reduce<Axis>((best, a) => (a.extent > best.extent ? a : best), { extent: 1, strides: [0] });
    const others = reduced.filter((a) => a !== term).map((a): Axis => ({ extent: a.extent, strides: [0, a.strides[0]!] }));
    const strip = stripOf(strategy, term.extent);
    const strips = Math.ceil(term.extent / strip);
    const walked = [...others, ...keptAxes];
    const outputs = size(keptAxes);
    const inner = size(walked);
    const isLast = strips === 1 && others.length === 0 && !isLaneSplit;
    const to: Ref = isLast ? "output" : scratchRef(scratchBytes.length);
    if (!isLast) scratchBytes.push(strips * inner * BYTES_PER_ELEMENT * (isVec4 ? 4 : 1));
    dispatches.push(stageDispatch(strategy, stage, walked, { term, strip, count: strips * inner, inner }, from, to));
    if (isLast) return { dispatches, scratchBytes };
    from = to;
    const left = (strips * inner) / outputs;
    // What is written lies as [strips, other reduced axes, outputs]: one reduced axis is left. Lanes that split the terms are terms again.
    stage = isLaneSplit
      ? { reduced: [{ extent: 4 * left, strides: [1] }], kept: [], lanes: 1, isVec4: false }
      : { reduced: [{ extent: left, strides: [outputs] }], kept: [{ extent: outputs, strides: [1, 1] }], lanes: outputs, isVec4 };
    isLaneSplit = false;
  }
}

function stageDispatch(
  strategy: Strategy,
  stage: Stage,
  walked: readonly Axis[],
  of: { readonly term: Axis; readonly strip: number; readonly count: number; readonly inner: number },
  from: Ref,
  to: Ref,
): Dispatch {
  const { term, strip, count, inner } = of;
  const common = {
    count,
    inner,
    terms: term.extent,
    term_stride: term.strides[0]!,
    strip,
    rank: walked.length,
    axes: axisTable(walked),
  };
  const buffers = { x: from, y: to };
  if (stage.isVec4) return dispatch("reduce.vec4", { params: common, buffers, workgroups: grid(count) });
  // Without kept axes the innermost walked axis is a reduced one, and all of it holds values.
  const lanes = stage.kept.length > 0 ? stage.lanes : (walked[walked.length - 1]?.extent ?? 1);
  const params = { ...common, lanes };
  if (strategy === "workgroup") return dispatch("reduce.workgroup", { params, buffers, workgroups: grid(count, 1) });
  return dispatch("reduce.direct", { params, buffers, workgroups: grid(count) });
}

function stripOf(strategy: Strategy, terms: number): number {
  if (strategy === "workgroup") return WORKGROUP_STRIP;
  // One stage where a strip is enough: on the software adapters that this strategy is for, a dispatch costs more than the idle lanes.
  if (strategy === "direct" || terms <= MAX_STRIP) return MAX_STRIP;
  return Math.min(MAX_STRIP, Math.max(MIN_STRIP, Math.ceil(Math.sqrt(terms))));
}

function size(axes: readonly Axis[]): number {
  return axes.reduce((n, a) => n * a.extent, 1);
}

/** The stage in vec4s of the innermost kept axis, or null where its neighbours do not lie together. */
function overChannels({ reduced, kept, lanes }: Stage): Stage | null {
  const innermost = kept[kept.length - 1];
  if (!innermost || innermost.strides[1] !== 1) return null;
  const outer = kept.slice(0, -1);
  // A lone kept axis may end inside a vec4: the input's row is padded there, the output's buffer too.
  if (innermost.extent % 4 !== 0 && outer.length > 0) return null;
  if ([...reduced.map((a) => a.strides[0]!), ...outer.map((a) => a.strides[1]!)].some((s) => s % 4 !== 0)) return null;
  const quarter = (a: Axis): Axis => ({ extent: a.extent, strides: a.strides.map((s) => s / 4) });
  const last: Axis = { extent: Math.ceil(innermost.extent / 4), strides: [1, 1] };
  return { reduced: reduced.map(quarter), kept: [...outer.map(quarter), last], lanes, isVec4: true };
}

/** A sum of everything in vec4s of neighbouring terms, whose lanes a last stage adds, or null where that does not fit. */
function overTerms({ reduced, kept }: Stage, outputs: number): Stage | null {
  const [only] = reduced;
  if (kept.length > 0 || outputs !== 1 || !only || reduced.length !== 1 || only.strides[0] !== 1 || only.extent % 4 !== 0)
    return null;
  return { reduced: [{ extent: only.extent / 4, strides: [1] }], kept: [], lanes: 1, isVec4: true };
}
