"""Convolutions and poolings by PyTorch, in the terms of conformance-cases/1: pads of four sides, a ceil that drops windows."""

import math

import torch
import torch.nn.functional as F

from draw import must_agree, require


def effective(kernel, dilation):
    return (kernel - 1) * dilation + 1


def pad_sides(x, pads, value=0.0):
    top, left, bottom, right = pads
    return F.pad(x, (left, right, top, bottom), value=value)


def conv2d(t, a):
    x = pad_sides(t["x"], a["pads"])
    return {"y": F.conv2d(x, t["w"], t.get("b"), a["strides"], 0, a["dilations"], a["groups"])}


def conv_transpose2d(t, a):
    """Everything that the kernels reach, then a window of it: outputPadding moves its far end, beyond which there is the bias alone."""
    x, w = t["x"], t["w"]
    everything = F.conv_transpose2d(x, w, None, a["strides"], 0, 0, a["groups"], a["dilations"])
    top, left, bottom, right = a["pads"]
    more_h, more_w = a["outputPadding"]
    h, w = everything.shape[2] - top - bottom + more_h, everything.shape[3] - left - right + more_w
    y = F.pad(everything, (0, more_w, 0, more_h))[:, :, top : top + h, left : left + w]
    if (top, left) == (bottom, right) and more_h < max(a["strides"][0], a["dilations"][0]) and more_w < max(a["strides"][1], a["dilations"][1]):
        # PyTorch's own padding where it has it.
        own = F.conv_transpose2d(x, t["w"], None, a["strides"], (top, left), (more_h, more_w), a["groups"], a["dilations"])
        must_agree(own, y)
    return {"y": y if "b" not in t else y + t["b"].view(1, -1, 1, 1)}


def window_count(extent, before, after, kernel, dilation, stride, ceil):
    steps = (extent + before + after - effective(kernel, dilation)) / stride
    count = (math.ceil(steps) if ceil else math.floor(steps)) + 1
    # A last window that would start in the far padding is dropped.
    return count - 1 if ceil and (count - 1) * stride >= extent + before else count


def window_counts(shape, a):
    """[h, w]"""
    top, left, bottom, right = a["pads"]
    ceil = a["roundMode"] == "ceil"
    sides = [(shape[2], top, bottom), (shape[3], left, right)]
    return [window_count(*side, a["kernel"][i], a["dilations"][i], a["strides"][i], ceil) for i, side in enumerate(sides)]


def to_windows(padded, a, counts, value):
    """What all windows together cover: the padded image, cut or lengthened at its ends."""
    ends = [(counts[i] - 1) * a["strides"][i] + effective(a["kernel"][i], a["dilations"][i]) for i in (0, 1)]
    more = [max(0, ends[i] - padded.shape[2 + i]) for i in (0, 1)]
    return F.pad(padded, (0, more[1], 0, more[0]), value=value)[:, :, : ends[0], : ends[1]]


def max_pool2d(t, a):
    x = t["x"]
    n, c, h, w = x.shape
    padded = to_windows(pad_sides(x, a["pads"], float("-inf")), a, window_counts(x.shape, a), float("-inf"))
    y, places = F.max_pool2d(padded, a["kernel"], a["strides"], 0, a["dilations"], return_indices=True)
    require(bool(torch.isfinite(y).all()))
    rows = torch.div(places, padded.shape[3], rounding_mode="floor") - a["pads"][0]
    columns = places % padded.shape[3] - a["pads"][1]
    check_against_torch(F.max_pool2d, x, a, y, {"dilation": a["dilations"]})
    offsets = columns * h + rows if a.get("storageOrder") == 1 else rows * w + columns
    if not a.get("indexWithinPlane"):
        offsets = offsets + torch.arange(n * c).view(n, c, 1, 1) * (h * w)
    return {"y": y, "indices": offsets}


def average_pool2d(t, a):
    x, counts = t["x"], window_counts(t["x"].shape, a)
    counted = pad_sides(torch.ones_like(x), a["pads"], 1.0 if a["countIncludePad"] else 0.0)
    places = window_sums(to_windows(counted, a, counts, 0.0), a)
    require(bool((places > 0).all()))
    y = window_sums(to_windows(pad_sides(x, a["pads"]), a, counts, 0.0), a) / places
    if a["dilations"] == [1, 1]:
        check_against_torch(F.avg_pool2d, x, a, y, {"count_include_pad": a["countIncludePad"]})
    return {"y": y}


def window_sums(x, a):
    n, c, h, w = x.shape
    size = [(e - effective(a["kernel"][i], a["dilations"][i])) // a["strides"][i] + 1 for i, e in enumerate((h, w))]
    taps = F.unfold(x.reshape(n * c, 1, h, w), a["kernel"], a["dilations"], 0, a["strides"])
    return taps.sum(1).view(n, c, *size)


def check_against_torch(pool, x, a, y, options):
    """PyTorch's own pooling takes pads that are the same on both sides and at most half the kernel."""
    top, left, bottom, right = a["pads"]
    if (top, left) != (bottom, right) or 2 * top > a["kernel"][0] or 2 * left > a["kernel"][1]:
        return
    must_agree(pool(x, a["kernel"], a["strides"], (top, left), ceil_mode=a["roundMode"] == "ceil", **options), y)


RULES = {"conv2d": conv2d, "convTranspose2d": conv_transpose2d, "maxPool2d": max_pool2d, "averagePool2d": average_pool2d}
