"""Draws random conformance cases from a seed, with PyTorch's results: a file of format conformance-cases/1, by pieces on standard output.

    python3 tools/pytorch/fuzz --seed 1 --from 0 --count 100 [--op conv2d]... > cases.json

Case i of seed s of an operation is always the same: its name, OP/s/i, is all that drawing it again takes (--case NAME). Started by scripts/fuzz.ts.
"""

import argparse
import json
import random
import sys

import torch

import operations
import score_operations
from cases import work_out
from draw import Draw, TryAgain

# Operation -> how it is drawn, how often.
OPERATIONS = {
    "conv2d": (operations.conv2d, 6),
    "convTranspose2d": (operations.conv_transpose2d, 5),
    "maxPool2d": (operations.max_pool2d, 4),
    "averagePool2d": (operations.average_pool2d, 3),
    "globalAveragePool": (operations.image_only, 1),
    "relu": (operations.any_tensor, 1),
    "dropout": (operations.dropout, 0.2),
    "add": (operations.add, 2),
    "sum": (operations.sum_, 1),
    "concat": (operations.concat, 2),
    "pad": (operations.pad, 3),
    "slice": (operations.slice_, 3),
    "crop": (operations.crop, 1),
    "flatten": (operations.flatten, 0.5),
    "resize": (operations.resize, 3),
    "bilinearKernel": (operations.bilinear_kernel, 0.3),
    "upsampleWeights": (operations.upsample_weights, 0.3),
    "fcnSizes": (operations.fcn_sizes, 0.5),
    "graph": (operations.graph, 4),
    "softmax": (score_operations.softmax, 2),
    "logSoftmax": (score_operations.softmax, 2),
    "softmaxCrossEntropy": (score_operations.softmax_cross_entropy, 3),
    "nllLoss": (score_operations.nll_loss, 2),
    "softmaxWithLoss": (score_operations.softmax_with_loss, 1),
    "gemm": (score_operations.gemm, 2),
    "matmul": (score_operations.matmul, 2),
    "batchNorm": (score_operations.batch_norm, 2),
    "lrn": (score_operations.lrn, 1),
    "argMax": (score_operations.arg_max, 2),
    "segMetrics": (score_operations.seg_metrics, 0.5),
}
TRIES = 400


def draw_case(name):
    op = name.split("/")[0]
    for attempt in range(TRIES):
        draw = Draw(f"{name}/{attempt}")
        try:
            attributes, inputs = OPERATIONS[op][0](draw)
            return {"name": name, **work_out(op, attributes, inputs, draw)}
        except TryAgain:
            continue
    raise RuntimeError(f"{name}: nothing that {TRIES} tries drew is a case")


def names(options):
    for index in range(options.first, options.first + options.count):
        ops = options.op or list(OPERATIONS)
        op = random.Random(f"{options.seed}/{index}").choices(ops, [OPERATIONS[o][1] for o in ops])[0]
        yield f"{op}/{options.seed}/{index}"


def main():
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--op", action="append", choices=list(OPERATIONS))
    parser.add_argument("--case", action="append")
    options = parser.parse_args()
    for name in options.case or []:
        if name.count("/") != 2 or name.split("/")[0] not in OPERATIONS:
            parser.error(f"--case {name}: a case is called OPERATION/SEED/NUMBER, the operation one of {', '.join(OPERATIONS)}")
    torch.set_num_threads(1)
    wanted = options.case or names(options)
    sys.stdout.write(json.dumps({"format": "conformance-cases/1", "suite": "pytorch-fuzz", "layout": "NCHW"})[:-1] + ', "cases": [\n')
    for i, name in enumerate(wanted):
        sys.stdout.write(("" if i == 0 else ",\n") + json.dumps(draw_case(name)))
    sys.stdout.write("\n]}\n")


main()
