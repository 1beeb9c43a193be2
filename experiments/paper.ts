/** The paper's own published figures (Long, Shelhamer, Darrell, CVPR 2015) beside what this project could check of them. */
import type { Table } from "../demo/tables.js";
import { differenceText, testIUText } from "./report-tables.js";
import { netOf, type ScaleResults } from "./scale-results.js";

interface Claim {
  readonly what: string;
  /** As published; which table. */
  readonly paper: string;
  /** From the results, or what stands for them in tests; null where the runs are not done. */
  readonly here: (all: ScaleResults | null) => string | null;
  /** What differs, or why it could not be checked. */
  readonly why: string;
}

const NO_VOC =
  "VOC's and SBD's photos and the VGG16 trained on ILSVRC are not at hand; the loader reads their folders, and three of VOC's photos (see the third data set)";
const OTHER_SET = "CamVid in place of VOC, small photos, few steps, a light trunk: directions compare, levels do not";
const NOT_CHECKED = (): string => "not checked";

/** "47.1" of a net, or null. */
const level =
  (name: string) =>
  (all: ScaleResults | null): string | null => {
    const text = all && testIUText(netOf(all, name).results);
    return text === null ? null : `${name} on CamVid at ${all!.scale}: ${text}`;
  };

/** "+3.1, +0.2" between pairs of nets. */
const differences =
  (...pairs: readonly (readonly [title: string, one: string, other: string])[]) =>
  (all: ScaleResults | null): string | null => {
    const texts = pairs.flatMap(([title, one, other]) => {
      const text = all && differenceText(all, one, other);
      return text === null ? [] : [`${title} ${text}`];
    });
    return texts.length === 0 ? null : `${texts.join(", ")} (CamVid at ${all!.scale})`;
  };

const CLAIMS: readonly Claim[] = [
  {
    what: "FCN-AlexNet, mean IU",
    paper: "39.8 (VOC2011 val, table 1)",
    here: level("alexnet-32s"),
    why: `${OTHER_SET}; AlexNet's fully connected layers are not at hand: scores on pool5`,
  },
  { what: "FCN-VGG16 32s, mean IU", paper: "56.0 (VOC2011 val, table 1)", here: NOT_CHECKED, why: NO_VOC },
  { what: "FCN-GoogLeNet, mean IU", paper: "42.5 (VOC2011 val, table 1)", here: level("googlenet-32s"), why: OTHER_SET },
  {
    what: "skips raise mean IU, each less than the one before",
    paper: "32s to 16s +3.0, 16s to 8s +0.3 (59.4, 62.4, 62.7; table 2)",
    here: differences(
      ["SqueezeNet 16s to 8s", "squeezenet-8s", "squeezenet-16s"],
      ["8s to 4s", "squeezenet-4s", "squeezenet-8s"],
      ["GoogLeNet 32s to 16s", "googlenet-16s", "googlenet-32s"],
      ["16s to 8s", "googlenet-8s", "googlenet-16s"],
    ),
    why: `${OTHER_SET}; the further steps are in these figures, as in the paper: the controls above take them out`,
  },
  {
    what: "frozen trunk beside fine-tuned",
    paper: "−14.0 (45.4, 59.4; table 2)",
    here: differences(["SqueezeNet 16s", "squeezenet-16s-frozen", "squeezenet-16s"]),
    why: OTHER_SET,
  },
  {
    what: "all at once beside staged",
    paper: "65.4 and 65.5: equal (the released models)",
    here: differences(["GoogLeNet 8s", "googlenet-8s-at-once", "googlenet-8s"]),
    why: `${OTHER_SET}; as many steps as the three stages together, one seed`,
  },
  {
    what: "from scratch",
    paper: "judged infeasible: no figure",
    here: differences(["SqueezeNet 16s, random beside pretrained", "squeezenet-16s-random", "squeezenet-16s"]),
    why: OTHER_SET,
  },
  {
    what: "FCN-8s, mean IU on VOC's test",
    paper: "62.7 (2011), 62.2 (2012; table 3)",
    here: NOT_CHECKED,
    why: `${NO_VOC}; test needs VOC's server`,
  },
  {
    what: "NYUDv2, SIFT Flow, PASCAL-Context",
    paper: "tables 4, 5, appendix B",
    here: () => "recipes only: two heads, early and late fusion (docs/fcn.md)",
    why: "the sets are not at hand",
  },
  {
    what: "parameters",
    paper: "57M, 134M, 6M (table 1)",
    here: () => "equal: tests of test/unit count them to the last",
    why: "",
  },
  {
    what: "receptive field and stride",
    paper: "355, 404, 907 / 32 (table 1)",
    here: () => "equal: derived from the coordinate map, in tests",
    why: "907 is GoogLeNet's with the average pool that the paper drops: 715 without",
  },
  { what: "shift-and-stitch equals rarefied filters", paper: "3.2", here: () => "equal: in tests", why: "" },
  {
    what: "forward pass at 500 x 500, FCN-VGG16",
    paper: "210 ms (Tesla K40c, table 1)",
    here: () => "measured on an H100: docs/benchmarks.md",
    why: "another machine: times do not compare",
  },
];

export function paperTable(all: ScaleResults | null): Table {
  const rows = CLAIMS.map(({ what, paper, here, why }) => [what, paper, here(all) ?? "not done yet", why]);
  return { head: ["what", "the paper", "here", "what differs, or why not"], rows };
}
