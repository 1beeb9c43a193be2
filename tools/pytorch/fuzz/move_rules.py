"""What moves, adds or resamples, by PyTorch, in the terms of conformance-cases/1. Where PyTorch has no such operation, positions come from numpy."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import torch
import torch.nn.functional as F

from draw import must_agree, require


def take(x, axis, positions):
    return torch.index_select(x, axis, torch.as_tensor(np.ascontiguousarray(positions), dtype=torch.long))


def pad(t, a):
    x = t["x"]
    if a["mode"] == "constant":
        sides = [side for pair in zip(reversed(a["begin"]), reversed(a["end"])) for side in pair]
        return {"y": F.pad(x, sides, value=a["value"])}
    for axis, sides in enumerate(zip(a["begin"], a["end"])):
        x = take(x, axis, border(x.shape[axis], *sides, a["mode"]))
    return {"y": x}


def border(n, begin, end, mode):
    """The positions that a padded axis repeats. numpy's own wrap was wrong beyond one length until 1.25: it is asked where it was right."""
    places = np.arange(-begin, n + end)
    positions = {
        "edge": lambda: np.clip(places, 0, n - 1),
        "wrap": lambda: places % n,
        "symmetric": lambda: np.minimum(places % (2 * n), 2 * n - 1 - places % (2 * n)),
        "reflect": lambda: (n - 1) - np.abs(places % max(1, 2 * n - 2) - (n - 1)) if n > 1 else 0 * places,
    }[mode]()
    if max(begin, end) < n:
        assert np.array_equal(positions, np.pad(np.arange(n), (begin, end), mode=mode))
    return positions


def slice_(t, a):
    y = t["x"]
    for axis, (start, size, step) in enumerate(zip(a["starts"], a["sizes"], a["steps"])):
        y = take(y, axis, start + step * np.arange(size))
    return {"y": y}


def crop(t, a):
    x, shape = t["x"], t["reference"].shape
    for i, axis in enumerate(range(a["axis"], x.dim())):
        offsets = a["offset"] or [0]
        offset = offsets[0] if len(offsets) == 1 else offsets[i]
        x = x.narrow(axis, offset, shape[axis])
    return {"y": x}


def flatten(t, a):
    x = t["x"]
    axis = a["axis"] + x.dim() if a["axis"] < 0 else a["axis"]
    return {"y": x.reshape(int(np.prod(x.shape[:axis])), -1)}


def add(t, _):
    return {"y": t["a"] + t["b"]}


def sum_(t, _):
    return {"y": sum(t.values())}


def concat(t, a):
    return {"y": torch.cat(list(t.values()), a["axis"])}


def relu(t, _):
    return {"y": F.relu(t["x"])}


def dropout(t, _):
    return {"y": t["x"] * 1.0}


def global_average_pool(t, _):
    return {"y": F.adaptive_avg_pool2d(t["x"], 1)}


NEAREST = {
    "round_prefer_floor": lambda p: ceil(p - Fraction(1, 2)),
    "round_prefer_ceil": lambda p: floor(p + Fraction(1, 2)),
    "floor": floor,
    "ceil": ceil,
}


def position(o, n, scale, mode):
    """Where output o reads, by ONNX's rules, exactly."""
    half, length = Fraction(1, 2), n * scale
    to = floor(length)
    if mode == "half_pixel":
        return (o + half) / scale - half
    if mode == "half_pixel_symmetric":
        return n * half * (1 - to / length) + (o + half) / scale - half
    if mode == "pytorch_half_pixel":
        # As ONNX's reference implementation: the length before rounding decides.
        return (o + half) / scale - half if length > 1 else Fraction(0)
    if mode == "align_corners":
        return Fraction(0) if length == 1 else o * (n - 1) / (length - 1)
    return o / scale


def resize(t, a):
    x = t["x"]
    for axis, given in enumerate(a["scales"]):
        if given == 1:
            continue
        scale, n = Fraction(given), x.shape[axis]
        places = [position(o, n, scale, a["coordinateMode"]) for o in range(floor(n * scale))]
        weights = np.zeros((len(places), n))
        for o, p in enumerate(places):
            if a["mode"] == "nearest":
                # A position that rounding alone puts on one side of a boundary decides nothing.
                off = abs(2 * p - round(2 * p))
                require(off == 0 or off > 1e-9)
                weights[o, min(max(NEAREST[a["nearestMode"]](p), 0), n - 1)] = 1
            else:
                left = floor(p)
                for k, weight in ((left, 1 - (p - left)), (left + 1, p - left)):
                    weights[o, min(max(k, 0), n - 1)] += float(weight)
        x = torch.movedim(torch.tensordot(x, torch.as_tensor(weights, dtype=x.dtype), ([axis], [1])), -1, axis)
    check_resize(t["x"], a, x)
    return {"y": x}


def check_resize(x, a, y):
    """PyTorch has some of the modes, on the two axes of an image."""
    if x.dim() != 4 or list(a["scales"][:2]) != [1, 1] or x.dtype != torch.float64:
        return
    same = [s == 1 for s in a["scales"][2:]]
    modes = {
        ("linear", "half_pixel"): {"mode": "bilinear", "align_corners": False},
        ("nearest", "asymmetric"): {"mode": "nearest"},
        ("nearest", "half_pixel"): {"mode": "nearest-exact"},
    }
    mode = modes.get((a["mode"], a["coordinateMode"]))
    if mode is None or any(same) or (a["mode"] == "nearest" and a["nearestMode"] != ("floor" if mode["mode"] == "nearest" else "round_prefer_ceil")):
        return
    own = F.interpolate(x, scale_factor=tuple(a["scales"][2:]), recompute_scale_factor=False, **mode)
    # It computes positions of nearest in float32: what is near a boundary may differ.
    if a["mode"] == "linear" or all(float(s * 4).is_integer() for s in a["scales"]):
        must_agree(own, y, 1e-5)


RULES = {
    "pad": pad,
    "slice": slice_,
    "crop": crop,
    "flatten": flatten,
    "add": add,
    "sum": sum_,
    "concat": concat,
    "relu": relu,
    "dropout": dropout,
    "globalAveragePool": global_average_pool,
    "resize": resize,
}
