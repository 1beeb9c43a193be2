"""A drawn case, worked out: outputs and gradients by PyTorch in float64, tolerances from how rounding adds up, and the form of conformance-cases/1."""

import base64

import numpy as np
import torch

import graphs
import move_rules
import net_rules
import score_rules
import window_rules
from draw import require

RULES = {**window_rules.RULES, **score_rules.RULES, **move_rules.RULES, **net_rules.RULES, "graph": graphs.evaluate}
U = 2.0**-24
# Operations that add and multiply alone: the sum of absolute terms bounds how far rounding can lead.
SUMS = {"conv2d", "convTranspose2d", "averagePool2d", "globalAveragePool", "gemm", "matmul", "add", "sum", "resize"}
# Operations that only move values.
EXACT = {"pad", "slice", "concat", "crop", "flatten", "relu", "dropout", "maxPool2d", "argMax", "fcnSizes"}
NO_GRADIENT = {"argMax", "segMetrics"}
# Operands that have no gradient: class weights, statistics, a shape.
GIVEN = {"weights", "mean", "variance", "reference"}
# Rounding in float32, measured on PyTorch, may be this much worse elsewhere: other orders of summation, other exponentials.
ELSEWHERE = 32


def work_out(op, attributes, inputs, draw):
    """`inputs`: float32 and integer arrays by name, in operand order. Raises TryAgain where the result is not finite."""
    rule = RULES[op]
    seed = None
    wrt = [] if op in NO_GRADIENT else [name for name, value in inputs.items() if value.dtype == np.float32 and name.rstrip("0123456789") not in GIVEN]

    def run(dtype, change=lambda array: array):
        nonlocal seed
        leaves = {name: leaf(change(value) if name != "variance" else value, dtype) for name, value in inputs.items()}
        outputs = rule(leaves, attributes)
        first = next(iter(outputs.values()))
        if not wrt:
            return outputs, {}
        if seed is None:
            seed = np.ones([], np.float32) if first.dim() == 0 else draw.values(list(first.shape))
        upstream = torch.as_tensor(change(seed), dtype=dtype)
        return outputs, dict(zip(wrt, torch.autograd.grad(first, [leaves[name] for name in wrt], upstream, allow_unused=True)))

    outputs, gradients = run(torch.float64)
    gradients = {name: gradient for name, gradient in gradients.items() if gradient is not None}
    for value in [*outputs.values(), *gradients.values()]:
        require(value.numel() > 0 and bool(torch.isfinite(value.double()).all()) and float(value.abs().max()) < 1e30)
    out_atol, grad_atol = tolerances(op, run, outputs, gradients, inputs)
    case = {
        "op": op,
        "attributes": attributes,
        "inputs": [tensor(name, value) for name, value in inputs.items()],
        "outputs": [tensor(name, value.detach().numpy()) for name, value in outputs.items()],
        "tolerance": {"atol": out_atol, "rtol": 0 if out_atol == 0 else 2e-6},
        "source": {},
    }
    if gradients:
        case["gradOutputs"] = [tensor(next(iter(outputs)), seed)]
        case["gradients"] = [tensor(name, value.numpy()) for name, value in gradients.items()]
        case["gradTolerance"] = {"atol": grad_atol, "rtol": 2e-6}
    return case


def leaf(array, dtype):
    if array.dtype != np.float32:
        return torch.as_tensor(array)
    return torch.tensor(array, dtype=dtype, requires_grad=True)


def tolerances(op, run, outputs, gradients, inputs):
    """Largest differences allowed to outputs and to gradients."""
    if op in EXACT:
        atol, terms = 0.0, max((inputs["x"].size if "x" in inputs else 1) // max(1, min(g.numel() for g in gradients.values())), 1) if gradients else 1
        # A gradient adds up where windows overlap or positions repeat.
        _, absolute = run(torch.float64, np.abs)
        return atol, max([1e-30] + [8 * np.sqrt(max(terms, 16)) * U * float(g.abs().max()) for g in absolute.values() if g is not None])
    if op in SUMS:
        values, absolute = run(torch.float64, np.abs)
        terms = max(value.size for value in inputs.values())
        first = float(next(iter(values.values())).abs().max())
        return bound(first, terms), max([1e-30] + [bound(float(g.abs().max()), terms) for g in absolute.values()])
    rounded, rounded_gradients = run(torch.float32)
    here = [ELSEWHERE * error(value, rounded[name]) for name, value in outputs.items()]
    there = [ELSEWHERE * error(value, rounded_gradients[name]) for name, value in gradients.items()]
    return max(here), max([1e-30, *there])


def bound(largest, terms):
    """4 sqrt(terms) 2^-24 of the sum of absolute terms; `terms` is at most what a tensor holds, and a sum of more than 4096 goes in strips."""
    return 4 * float(np.sqrt(min(terms, 4096))) * U * largest + 1e-30


def error(exact, rounded):
    """That of float32, at least two units of the largest value."""
    return max(float((exact - rounded.double()).abs().max()), 2 * U * float(exact.abs().max())) + 1e-30


def tensor(name, array):
    array = np.asarray(array)
    kind = {"i": "int64" if array.dtype == np.int64 else "int32", "f": "float32"}[array.dtype.kind]
    data = np.ascontiguousarray(array.astype(f"<{kind[0]}{8 if kind == 'int64' else 4}"))
    return {"name": name, "dtype": kind, "shape": list(array.shape), "data": base64.b64encode(data.tobytes()).decode()}
