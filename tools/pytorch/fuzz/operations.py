"""How a case of each operation is drawn: its attributes and its inputs. What is no case raises TryAgain."""

import numpy as np

import dags
import graphs
from draw import MOST_FLOPS, require
from window_rules import effective, window_counts

STRIDES = (1, 1, 1, 2, 2, 3, 4)
DILATIONS = (1, 1, 1, 2, 3)
KERNELS = (1, 1, 2, 3, 3, 3, 4, 5, 7)


def groups_of(draw, channels, outputs):
    """Groups, and channels and outputs that they divide. One group more often than not; every channel by itself now and then."""
    if draw.chance(0.6):
        return 1, channels, outputs
    if draw.chance(0.4):
        return channels, channels, channels * draw.one_of(1, 1, 2, 3)
    groups = draw.one_of(2, 3, 4)
    per_group, outputs_of_group = draw.one_of(1, 2, 3, 4, 4, 8, 12, 16), draw.one_of(1, 2, 3, 4, 4, 8, 12, 16)
    return groups, groups * per_group, groups * outputs_of_group


def convolution(draw):
    """x, channels of the output, attributes but pads, kernel. One case in six is large enough for the kernels that need work to pay."""
    if draw.chance(1 / 6):
        shape = [1, draw.one_of(12, 16, 20, 32, 33, 48, 64), draw.one_of(7, 12, 16, 17, 24, 33), draw.one_of(7, 12, 16, 17, 24, 33)]
        outputs, kernel = draw.one_of(16, 20, 24, 32, 48, 64), draw.one_of([3, 3], [3, 3], [5, 5], [1, 1], [3, 5])
        return shape, outputs, {"strides": draw.one_of([1, 1], [1, 1], [2, 2]), "dilations": [1, 1], "groups": 1}, kernel
    shape = draw.image()
    groups, shape[1], outputs = groups_of(draw, shape[1], draw.channels())
    return shape, outputs, {"strides": draw.pair(*STRIDES), "dilations": draw.pair(*DILATIONS), "groups": groups}, draw.pair(*KERNELS)


def conv2d(draw):
    shape, outputs, attributes, kernel = convolution(draw)
    pads = draw.pads(draw.one_of(1, 2, max(kernel) + 1, 9))
    sizes = [
        (shape[2 + i] + pads[i] + pads[2 + i] - effective(kernel[i], attributes["dilations"][i])) // attributes["strides"][i] + 1 for i in (0, 1)
    ]
    weight = [outputs, shape[1] // attributes["groups"], *kernel]
    require(min(sizes) > 0 and 2 * np.prod(weight) * np.prod(sizes) * shape[0] < MOST_FLOPS)
    inputs = {"x": draw.values(shape), "w": draw.values(weight)}
    if draw.chance(0.7):
        inputs["b"] = draw.values([outputs])
    return {"pads": pads, **attributes}, inputs


def conv_transpose2d(draw):
    shape, outputs, attributes, kernel = convolution(draw)
    if draw.chance(0.3):
        # An upsampling: a kernel twice its stride.
        stride = draw.one_of(2, 2, 4, 8)
        kernel, attributes["strides"], attributes["dilations"] = [2 * stride, 2 * stride], [stride, stride], [1, 1]
    pads = draw.pads(draw.one_of(1, 2, max(kernel) + 1))
    most = [max(attributes["strides"][i], attributes["dilations"][i]) - 1 for i in (0, 1)]
    padding = [0, 0] if draw.chance(0.5) else [draw.integer(0, m) for m in most]
    sizes = [
        (shape[2 + i] - 1) * attributes["strides"][i] + effective(kernel[i], attributes["dilations"][i]) - pads[i] - pads[2 + i] + padding[i]
        for i in (0, 1)
    ]
    weight = [shape[1], outputs // attributes["groups"], *kernel]
    require(min(sizes) > 0 and max(sizes) <= 130)
    require(2 * np.prod(weight) * np.prod(shape[2:]) * shape[0] < MOST_FLOPS and np.prod(sizes) * outputs * shape[0] < 500_000)
    inputs = {"x": draw.values(shape), "w": draw.values(weight)}
    if draw.chance(0.5):
        inputs["b"] = draw.values([outputs])
    return {"pads": pads, **attributes, "outputPadding": padding}, inputs


def pooling(draw):
    shape = draw.image(31)
    kernel = draw.pair(1, 2, 2, 3, 3, 4, 5)
    attributes = {
        "kernel": kernel,
        "strides": list(kernel) if draw.chance(0.3) else draw.pair(1, 2, 2, 3, 4),
        "pads": draw.pads(draw.one_of(1, 2, max(kernel))),
        "dilations": [1, 1] if draw.chance(0.7) else draw.pair(1, 2, 3),
        "roundMode": draw.one_of("floor", "ceil"),
    }
    require(min(window_counts(shape, attributes)) > 0)
    return attributes, {"x": draw.values(shape)}


def max_pool2d(draw):
    attributes, inputs = pooling(draw)
    # Zeros of both signs are equal, and infinities below all images: what pads must not win against.
    if draw.chance(0.3):
        inputs["x"] = (-np.abs(inputs["x"]) - 1).astype(np.float32)
    return {**attributes, "indexWithinPlane": draw.chance(0.5), "storageOrder": draw.one_of(0, 1)}, inputs


def average_pool2d(draw):
    attributes, inputs = pooling(draw)
    return {**attributes, "countIncludePad": draw.chance(0.5)}, inputs


def image_only(draw):
    return {}, {"x": draw.values(draw.image())}


def any_tensor(draw):
    return {}, {"x": draw.values(draw.shape(draw.integer(1, 5)))}


def dropout(draw):
    return {"inference": True}, {"x": draw.values(draw.shape(draw.integer(1, 4)))}


def add(draw):
    shape = draw.shape(draw.integer(1, 5))
    ranks = [len(shape), draw.integer(0, len(shape))]
    a, b = ([1 if draw.chance(0.3) else d for d in shape[len(shape) - rank :]] for rank in ranks)
    if draw.chance(0.5):
        a, b = b, a
    return {}, {"a": draw.values(a), "b": draw.values(b)}


def sum_(draw):
    shape = draw.shape(draw.integer(1, 4))
    return {}, {f"x{i}": draw.values(shape) for i in range(draw.integer(1, 9))}


def concat(draw):
    rank = draw.integer(1, 5)
    shape, axis = draw.shape(rank), draw.axis(rank)
    count = draw.integer(1, 6)
    parts = [[draw.integer(1, 9) if i == axis % rank else d for i, d in enumerate(shape)] for _ in range(count)]
    return {"axis": axis}, {f"x{i}": draw.values(part) for i, part in enumerate(parts)}


def pad(draw):
    shape = draw.shape(draw.integer(1, 5))
    mode = draw.one_of("constant", "constant", "edge", "reflect", "symmetric", "wrap")
    least = -2 if mode == "constant" else 0
    sides = [(draw.integer(least, 7), draw.integer(least, 7)) if draw.chance(0.7) else (0, 0) for _ in shape]
    for extent, (begin, end) in zip(shape, sides):
        require(extent + min(begin, 0) + min(end, 0) > 0)
    require(mode != "reflect" or all(n > 1 or sum(side) == 0 for n, side in zip(shape, sides)))
    begin, end = (list(of) for of in zip(*sides))
    require(np.prod([n + b + e for n, b, e in zip(shape, begin, end)]) < 100_000)
    return {"begin": begin, "end": end, "mode": mode, "value": draw.one_of(0, 0, 1.5, -2)}, {"x": draw.values(shape)}


def slice_(draw):
    shape = draw.shape(draw.integer(1, 5), 12)
    starts, sizes, steps = [], [], []
    for extent in shape:
        step = draw.one_of(1, 1, 2, 3, -1, -2, -3)
        start = draw.integer(0, extent - 1)
        most = (extent - 1 - start) // step + 1 if step > 0 else start // -step + 1
        starts.append(start)
        sizes.append(draw.integer(1, most) if draw.chance(0.5) else most)
        steps.append(step)
    return {"starts": starts, "sizes": sizes, "steps": steps}, {"x": draw.values(shape)}


def crop(draw):
    shape, axis = draw.image(), draw.integer(0, 3)
    offsets = [draw.integer(0, d - 1) for d in shape[axis:]]
    kind = draw.one_of("none", "one", "each")
    if kind != "each":
        offsets = [0 if kind == "none" else min(offsets)] * len(offsets)
    kept = [draw.integer(1, d - o) for d, o in zip(shape[axis:], offsets)]
    offset = {"none": [], "one": offsets[:1], "each": offsets}[kind]
    reference = [*(draw.integer(1, 3) for _ in range(axis)), *kept]
    return {"axis": axis, "offset": offset}, {"x": draw.values(shape), "reference": draw.values(reference)}


def flatten(draw):
    rank = draw.integer(1, 5)
    return {"axis": draw.integer(-rank, rank)}, {"x": draw.values(draw.shape(rank))}


def resize(draw):
    mode = draw.one_of("nearest", "linear")
    shape = draw.shape(draw.one_of(2, 3, 4, 4, 4), 11)
    scales = [draw.one_of(1, 1.5, 2, 2, 3, 0.5, 0.75, 0.6, 2.5, 1.7, 8) if draw.chance(0.8) else 1 for _ in shape]
    scales = [1 if len(shape) == 4 and i < 2 and draw.chance(0.8) else float(np.float32(s)) for i, s in enumerate(scales)]
    require(all(int(n * s) > 0 for n, s in zip(shape, scales)) and np.prod(shape) * np.prod(scales) < 100_000)
    coordinates = draw.one_of("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")
    nearest = None if mode == "linear" else draw.one_of("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    return {"mode": mode, "coordinateMode": coordinates, "nearestMode": nearest, "scales": scales}, {"x": draw.values(shape)}


def bilinear_kernel(draw):
    kernel = draw.integer(1, 64)
    return {"shape": [draw.integer(1, 4), draw.integer(1, 3), kernel, kernel]}, {}


def upsample_weights(draw):
    return {"classes": draw.integer(1, 21), "kernel": draw.one_of(1, 2, 3, 4, 5, 7, 8, 16, 32, 63, 64)}, {}


def fcn_sizes(draw):
    variant = draw.one_of("voc-fcn32s", "voc-fcn16s", "voc-fcn8s", "voc-fcn-alexnet")
    return {"variant": variant, "height": draw.integer(1, 640), "width": draw.integer(1, 640)}, {}


def graph(draw):
    return dags.draw_dag(draw) if draw.chance(0.5) else graphs.draw_graph(draw)
