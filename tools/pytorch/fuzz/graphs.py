"""Small FCN-like nets: a trunk of convolutions and poolings, scores, a skip, upsampling, a crop, a loss; gradients for image and parameters."""

import numpy as np
import torch

import move_rules
import score_rules
import window_rules
from draw import require

RULES = {**window_rules.RULES, **score_rules.RULES, **move_rules.RULES}
# Where a ReLU or a pooling decides by less than this many errors of float32, the gradient is rounding's choice.
MARGIN = 200
# What an f16 holds: the same cases run with activations stored so.
LARGEST = 60000


def evaluate(leaves, attributes):
    tensors = dict(leaves)
    for node in attributes["nodes"]:
        # Operands in the order of their roles; outputs by name.
        operands = {role: tensors[name] for role, name in node["inputs"].items()}
        tensors[node["output"]] = next(iter(RULES[node["op"]](operands, node["attributes"]).values()))
    return {"loss": tensors[attributes["nodes"][-1]["output"]]}


def require_clear_decisions(nodes, inputs):
    """Raises TryAgain where ReLU or max pooling decides by a hair's breadth. Ties between numbers that float32 holds exactly are decided by rule."""

    def leaves(dtype):
        return {name: torch.as_tensor(v, dtype=dtype if v.dtype.kind == "f" else None) for name, v in inputs.items()}

    exact, rounded = leaves(torch.float64), leaves(torch.float32)
    for node in nodes:
        for tensors in (exact, rounded):
            operands = {role: tensors[name] for role, name in node["inputs"].items()}
            tensors[node["output"]] = next(iter(RULES[node["op"]](operands, node["attributes"]).values()))
        require(float(exact[node["output"]].abs().max()) < LARGEST)
        if node["op"] not in ("relu", "maxPool2d"):
            continue
        x = exact[node["inputs"]["x"]]
        error = float((x - rounded[node["inputs"]["x"]].double()).abs().max())
        if error > 0:
            gaps = x.abs() if node["op"] == "relu" else window_gaps(x, node["attributes"], exact[node["output"]])
            require(gaps.numel() == 0 or float(gaps.min()) > MARGIN * error)


def window_gaps(x, a, y):
    """From each window's maximum to the next lower value in it; none of windows of one pixel. ReLU's zeros are exact, so a tie of them is no rounding."""
    padded = window_rules.to_windows(window_rules.pad_sides(x, a["pads"], -1e30), a, window_rules.window_counts(x.shape, a), -1e30)
    n, c, h, w = padded.shape
    taps = torch.nn.functional.unfold(padded.reshape(n * c, 1, h, w), a["kernel"], a["dilations"], 0, a["strides"])
    if taps.shape[1] == 1:
        return torch.ones(0)
    best, second = taps.topk(2, dim=1).values.unbind(1)
    return (best - second)[~((best == 0) & (second == 0))]


class Net:
    """Nodes and inputs as they are added."""

    def __init__(self, draw):
        self.draw, self.nodes, self.inputs, self.shapes = draw, [], {}, {}

    def leaf(self, name, shape):
        values = self.draw.values(shape)
        # Weights like those of a fresh net, so that sums keep their size; signs where values are integers.
        if len(shape) == 4 and name != "x":
            integers = self.draw.style in ("integers", "sparse")
            values = np.sign(values) if integers else values * (2.0 / max(1, shape[1] * shape[2] * shape[3])) ** 0.5
        self.inputs[name] = values.astype("float32")
        return name

    def node(self, op, operands, shape, **attributes):
        name = f"{op}{len(self.nodes)}"
        self.nodes.append({"op": op, "inputs": operands, "output": name, "attributes": attributes})
        self.shapes[name] = shape
        return name

    def conv(self, x, outputs, kernel, pad, stride=1, groups=1):
        n, c, h, w = self.shapes[x]
        size = [(e + 2 * pad - kernel) // stride + 1 for e in (h, w)]
        require(min(size) > 0)
        number = len(self.inputs)
        operands = {"x": x, "w": self.leaf(f"w{number}", [outputs, c // groups, kernel, kernel])}
        if self.draw.chance(0.8):
            operands["b"] = self.leaf(f"b{number}", [outputs])
        return self.node("conv2d", operands, [n, outputs, *size], strides=[stride] * 2, pads=[pad] * 4, dilations=[1, 1], groups=groups)

    def relu(self, x):
        return self.node("relu", {"x": x}, self.shapes[x])

    def pool(self, x):
        kernel, stride = self.draw.one_of((2, 2), (2, 2), (3, 2), (3, 3), (2, 1))
        kind = self.draw.one_of("maxPool2d", "maxPool2d", "maxPool2d", "averagePool2d")
        attributes = {"kernel": [kernel] * 2, "strides": [stride] * 2, "pads": [0] * 4, "dilations": [1, 1], "roundMode": self.draw.one_of("ceil", "floor")}
        n, c, *_ = self.shapes[x]
        size = window_rules.window_counts(self.shapes[x], attributes)
        require(min(size) > 0)
        more = {"countIncludePad": False} if kind == "averagePool2d" else {}
        return self.node(kind, {"x": x}, [n, c, *size], **attributes, **more)

    def upsample(self, x, stride, outputs):
        n, c, h, w = self.shapes[x]
        w_name = self.leaf(f"w{len(self.inputs)}", [c, outputs, 2 * stride, 2 * stride])
        shape = [n, outputs, (h + 1) * stride, (w + 1) * stride]
        attributes = {"strides": [stride] * 2, "pads": [0] * 4, "dilations": [1, 1], "groups": 1, "outputPadding": [0, 0]}
        return self.node("convTranspose2d", {"x": x, "w": w_name}, shape, **attributes)

    def crop(self, x, h, w):
        n, c, oh, ow = self.shapes[x]
        require(oh >= h and ow >= w)
        starts = [0, 0, self.draw.integer(0, oh - h), self.draw.integer(0, ow - w)]
        return self.node("slice", {"x": x}, [n, c, h, w], starts=starts, sizes=[n, c, h, w], steps=[1, 1, 1, 1])


def draw_graph(draw):
    if draw.style in ("large", "tiny"):
        draw.style = "floats"
    net = Net(draw)
    wide = draw.chance(0.15)
    image = [draw.one_of(1, 1, 2), draw.one_of(1, 3, 3, 4), draw.integer(6, 30), draw.integer(6, 30)]
    if wide:
        image[2:] = [draw.integer(12, 24), draw.integer(12, 24)]
    net.shapes[net.leaf("x", image)] = image
    x, kept = "x", []
    for block in range(draw.integer(1, 3)):
        for _ in range(draw.integer(1, 2)):
            channels = draw.one_of(16, 20, 24, 32) if wide else draw.one_of(1, 3, 4, 5, 8, 12)
            kernel = draw.one_of(3, 3, 3, 5, 1)
            x = net.conv(x, channels, kernel, draw.one_of(kernel // 2, kernel // 2, 0, kernel), draw.one_of(1, 1, 1, 1, 2))
            if draw.chance(0.9):
                x = net.relu(x)
        kept.append(x)
        x = net.pool(x)
    if draw.chance(0.3):
        x = net.relu(net.conv(x, draw.one_of(7, 16, 20), 1, 0))
    classes = draw.one_of(2, 3, 5, 21)
    score = net.conv(x, classes, 1, 0)
    if draw.chance(0.5):
        skip = net.conv(draw.one_of(*kept), classes, 1, 0)
        up = net.upsample(score, 2, classes)
        h, w = (min(a, b) for a, b in zip(net.shapes[skip][2:], net.shapes[up][2:]))
        fused = {"x0": net.crop(up, h, w), "x1": net.crop(skip, h, w)}
        score = net.node("sum", fused, net.shapes[fused["x0"]])
    score = net.upsample(score, draw.one_of(1, 2, 4), classes)
    h, w = (min(a, b) for a, b in zip(image[2:], net.shapes[score][2:]))
    score = net.crop(score, h, w)
    ignored = 255
    net.inputs["labels"] = draw.labels([image[0], h, w], classes, ignored)
    require((net.inputs["labels"] != ignored).any())
    loss = {"x": score, "labels": "labels"}
    if draw.chance(0.3):
        net.inputs["weights"] = draw.positive([classes])
        loss["weights"] = "weights"
    net.node("softmaxCrossEntropy", loss, [], axis=1, reduction=draw.one_of("mean", "sum"), ignoreIndex=ignored)
    require_clear_decisions(net.nodes, net.inputs)
    return {"nodes": net.nodes}, net.inputs
