/** Loss and validation curves as SVG files: drawings of our own figures, the same bytes from the same results. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Result } from "./results.js";
import { netOf, resultsOf, type ScaleResults } from "./scale-results.js";

interface Drawing {
  /** File name, without what it ends in. */
  readonly name: string;
  readonly title: string;
  /** Nets by the name of their runs without the seed. */
  readonly nets: readonly string[];
}

const DRAWINGS: readonly Drawing[] = [
  {
    name: "squeezenet-start",
    title: "SqueezeNet 16s on CamVid: from ImageNet's weights, with the trunk frozen, from random weights",
    nets: ["squeezenet-16s", "squeezenet-16s-frozen", "squeezenet-16s-random"],
  },
  {
    name: "squeezenet-skips",
    title: "SqueezeNet on CamVid: 16s, then with skips, and the controls without them",
    nets: ["squeezenet-16s", "squeezenet-8s", "squeezenet-8s-control", "squeezenet-4s", "squeezenet-4s-control"],
  },
  {
    name: "googlenet-alexnet",
    title: "GoogLeNet staged and at once, AlexNet, on CamVid",
    nets: ["googlenet-32s", "googlenet-16s", "googlenet-8s", "googlenet-8s-at-once", "alexnet-32s"],
  },
  { name: "pets", title: "SqueezeNet on Oxford Pets", nets: ["pets-squeezenet-16s", "pets-squeezenet-8s"] },
];

export interface Curves {
  readonly title: string;
  /** Loss per pixel that counts on train; mean IU on val. */
  readonly files: readonly { readonly name: string; readonly svg: string }[];
}

/** Two drawings of each group that has a run; steps count on from the run that a run starts from. */
export function curvesOf(all: ScaleResults): readonly Curves[] {
  return DRAWINGS.flatMap(({ name, title, nets }) => {
    const there = nets.filter((net) => netOf(all, net).results.length > 0);
    if (there.length === 0) return [];
    const results = there.flatMap((net) =>
      netOf(all, net).results.map((result) => ({ net, result, from: startOf(all, result) })),
    );
    const loss = results.flatMap(({ net, result, from }) =>
      result.curve.map(({ step, loss }) => ({ net, run: result.run.id, step: from + step, value: loss })),
    );
    const validation = results.flatMap(({ net, result, from }) =>
      result.validation.map(({ step, meanIU }) => ({ net, run: result.run.id, step: from + step, value: 100 * meanIU })),
    );
    return {
      title,
      files: [
        { name: `${name}-loss.svg`, svg: drawing(loss, nets, "loss per pixel, train") },
        { name: `${name}-val.svg`, svg: drawing(validation, nets, "mean IU, val") },
      ],
    };
  });
}

/** Steps that the runs before it took, as far as they are known. */
function startOf(all: ScaleResults, { run: { start } }: Result): number {
  if (start === "random" || !("run" in start)) return 0;
  const before = resultsOf(all).find(({ run }) => run.id === start.run);
  return before ? startOf(all, before) + before.run.steps : 0;
}

interface Point {
  readonly net: string;
  readonly run: string;
  readonly step: number;
  readonly value: number;
}

/** Okabe and Ito's, which the colour-blind can tell apart; a net has the same in both drawings. */
const COLOURS = ["#0072b2", "#e69f00", "#d55e00", "#009e73", "#cc79a7"];
const [WIDTH, HEIGHT, LINE] = [640, 340, 16];

/** Seeds are lines of one colour. Labels beside the last point would lie on each other: the nets stand above. */
function drawing(points: readonly Point[], nets: readonly string[], label: string): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const colourOf = ({ net }: { readonly net: string }): string => COLOURS[nets.indexOf(net) % COLOURS.length]!;
  const shown = nets.filter((net) => points.some((point) => point.net === net));
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: HEIGHT + shown.length * LINE,
    marginTop: 24 + shown.length * LINE,
    marginLeft: 48,
    style: { background: "white", color: "black", fontSize: "12px" },
    x: { label: "step", domain: [0, Math.max(...points.map(({ step }) => step))] },
    y: {
      label,
      ...(label.startsWith("loss") ? { type: "log", tickFormat: (value: number) => String(value), ticks: 6 } : { nice: true }),
    },
    marks: [
      Plot.gridY(),
      Plot.line(points, { x: "step", y: "value", z: "run", stroke: colourOf, strokeWidth: 1.4, strokeOpacity: 0.85 }),
      Plot.dot(points, Plot.selectLast({ x: "step", y: "value", z: "run", fill: colourOf, r: 2.5 })),
      ...shown.map((net, i) =>
        Plot.text([net], {
          frameAnchor: "top-right",
          dy: (i - shown.length) * LINE - 4,
          fill: colourOf({ net }),
          text: (name: string) => `— ${name}`,
          fontWeight: 600,
        }),
      ),
    ],
  });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${label}: ${shown.join(", ")}`);
  return `${svg.outerHTML}\n`;
}
