"""Nets without a plan: operations drawn one after the other on whatever tensors there are, values used twice, weights shared, then a loss. What fuses or pairs nodes meets its exceptions here."""

from draw import require
from graphs import Net, require_clear_decisions
from window_rules import effective, window_counts

MOST_ELEMENTS = 40_000


class Dag(Net):
    """Tensors are added by steps; those that no loss depends on are left out at the end."""

    def __init__(self, draw):
        super().__init__(draw)
        self.weights = {}
        self.known = []

    def add(self, name):
        n, c, h, w = self.shapes[name]
        require(n * c * h * w <= MOST_ELEMENTS)
        self.known.append(name)
        return name

    def any(self):
        """One of the last few, or the one before all."""
        return self.draw.one_of(*self.known[-4:], self.known[-1], self.known[0])

    def weight(self, shape):
        """A new one, or one that has been used before."""
        shared = [name for name, s in self.weights.items() if s == shape]
        if shared and self.draw.chance(0.5):
            return self.draw.one_of(*shared)
        name = self.leaf(f"w{len(self.inputs)}", shape)
        self.weights[name] = shape
        return name

    def with_bias(self, operands, channels):
        return {**operands, "b": self.leaf(f"b{len(self.inputs)}", [channels])} if self.draw.chance(0.6) else operands

    def step_conv(self):
        x = self.any()
        n, c, h, w = self.shapes[x]
        groups = c if self.draw.chance(0.2) else 1
        outputs = c if groups > 1 or self.draw.chance(0.5) else self.draw.one_of(1, 3, 4, 8, 9)
        kernel, stride, dilation = self.draw.pair(1, 2, 3, 3, 5), self.draw.pair(1, 1, 1, 2), self.draw.pair(1, 1, 1, 2)
        pads = self.draw.one_of([k * d // 2 for k, d in zip(kernel, dilation)] * 2, self.draw.pads(3))
        size = [(e + pads[i] + pads[2 + i] - effective(kernel[i], dilation[i])) // stride[i] + 1 for i, e in enumerate((h, w))]
        require(min(size) > 0)
        operands = self.with_bias({"x": x, "w": self.weight([outputs, c // groups, *kernel])}, outputs)
        return self.node("conv2d", operands, [n, outputs, *size], strides=stride, pads=pads, dilations=dilation, groups=groups)

    def step_up(self):
        x = self.any()
        n, c, h, w = self.shapes[x]
        stride = self.draw.one_of(1, 2, 3)
        kernel, pad = self.draw.one_of(stride, 2 * stride, 3), self.draw.one_of(0, 0, 1)
        outputs = self.draw.one_of(c, 2, 4)
        size = [(e - 1) * stride + kernel - 2 * pad for e in (h, w)]
        require(min(size) > 0)
        operands = self.with_bias({"x": x, "w": self.weight([c, outputs, kernel, kernel])}, outputs)
        attributes = {"strides": [stride] * 2, "pads": [pad] * 4, "dilations": [1, 1], "groups": 1, "outputPadding": [0, 0]}
        return self.node("convTranspose2d", operands, [n, outputs, *size], **attributes)

    def step_relu(self):
        return self.relu(self.any())

    def step_pool(self):
        x = self.any()
        kernel = self.draw.pair(2, 2, 3)
        pads = self.draw.one_of([0] * 4, [0] * 4, [1, 1, 1, 1], [0, 1, 1, 0])
        attributes = {"kernel": kernel, "strides": self.draw.pair(1, 2, 2, 3), "pads": pads, "dilations": [1, 1], "roundMode": self.draw.one_of("ceil", "floor")}
        size = window_counts(self.shapes[x], attributes)
        require(min(size) > 0)
        average = {"countIncludePad": self.draw.chance(0.5)} if self.draw.chance(0.3) else None
        kind = "maxPool2d" if average is None else "averagePool2d"
        return self.node(kind, {"x": x}, [*self.shapes[x][:2], *size], **attributes, **(average or {}))

    def step_sum(self):
        """Of two tensors, cropped to the size that they share and brought to the same channels."""
        a, b = self.any(), self.any()
        h, w = (min(p, q) for p, q in zip(self.shapes[a][2:], self.shapes[b][2:]))
        require(self.shapes[a][1] == self.shapes[b][1])
        a, b = (x if self.shapes[x][2:] == [h, w] and self.draw.chance(0.8) else self.crop(x, h, w) for x in (a, b))
        if self.draw.chance(0.5):
            return self.node("add", {"a": a, "b": b}, self.shapes[a])
        return self.node("sum", {"x0": a, "x1": b, **({"x2": a} if self.draw.chance(0.3) else {})}, self.shapes[a])

    def step_shift(self):
        x = self.any()
        c = self.shapes[x][1]
        self.leaf(name := f"b{len(self.inputs)}", self.draw.one_of([c, 1, 1], [1, c, 1, 1], [1], []))
        return self.node("add", {"a": x, "b": name}, self.shapes[x])

    def step_concat(self):
        a, b = self.any(), self.any()
        h, w = (min(p, q) for p, q in zip(self.shapes[a][2:], self.shapes[b][2:]))
        a, b = (x if self.shapes[x][2:] == [h, w] else self.crop(x, h, w) for x in (a, b))
        n = self.shapes[a][0]
        return self.node("concat", {"x0": a, "x1": b}, [n, self.shapes[a][1] + self.shapes[b][1], h, w], axis=1)

    def step_crop(self):
        x = self.any()
        h, w = (self.draw.integer((e + 1) // 2, e) for e in self.shapes[x][2:])
        return self.crop(x, h, w)

    def step_pad(self):
        x = self.any()
        begin, end = ([0, 0, self.draw.integer(0, 2), self.draw.integer(0, 2)] for _ in range(2))
        shape = [e + b + f for e, b, f in zip(self.shapes[x], begin, end)]
        mode = self.draw.one_of("constant", "edge")
        return self.node("pad", {"x": x}, shape, begin=begin, end=end, mode=mode, value=0)

    def step_dropout(self):
        x = self.any()
        return self.node("dropout", {"x": x}, self.shapes[x], inference=True)

    def step_normalise(self):
        x = self.any()
        c = self.shapes[x][1]
        names = {}
        for role in ("scale", "bias", "mean", "variance"):
            names[role] = f"{role}{len(self.inputs)}"
            self.inputs[names[role]] = self.draw.positive([c]) if role == "variance" else self.draw.values([c])
        return self.node("batchNorm", {"x": x, **names}, self.shapes[x], epsilon=1e-3)

    def step_softmax(self):
        x = self.any()
        return self.node(self.draw.one_of("softmax", "logSoftmax"), {"x": x}, self.shapes[x], axes=[1])

    def needed(self):
        """Nodes and inputs that the last node depends on, in their order."""
        wanted, nodes = {self.nodes[-1]["output"]}, []
        for node in reversed(self.nodes):
            if node["output"] in wanted:
                wanted.update(node["inputs"].values())
                nodes.insert(0, node)
        return nodes, {name: value for name, value in self.inputs.items() if name in wanted}


STEPS = ["conv"] * 6 + ["relu"] * 5 + ["pool"] * 3 + ["sum"] * 3 + ["up", "up", "concat", "crop", "crop", "shift", "pad", "dropout", "normalise", "softmax"]


def draw_dag(draw):
    if draw.style in ("large", "tiny"):
        draw.style = "floats"
    net = Dag(draw)
    image = [draw.one_of(1, 1, 2), draw.one_of(1, 3, 4, 5), draw.integer(5, 16), draw.integer(5, 16)]
    net.shapes[net.leaf("x", image)] = image
    net.add("x")
    for _ in range(draw.integer(3, 12)):
        net.add(getattr(net, f"step_{draw.one_of(*STEPS)}")())
    score = net.known[-1]
    if draw.chance(0.7):
        score = net.conv(score, draw.one_of(2, 3, 5, 21), 1, 0)
    n, classes, h, w = net.shapes[score]
    require(classes > 1)
    net.inputs["labels"] = draw.labels([n, h, w], classes, 255)
    require((net.inputs["labels"] != 255).any())
    loss = {"x": score, "labels": "labels"}
    if draw.chance(0.7):
        net.node("softmaxCrossEntropy", loss, [], axis=1, reduction=draw.one_of("mean", "sum"), ignoreIndex=255)
    else:
        net.node("softmaxWithLoss", loss, [], axis=1, normalization=draw.one_of("VALID", "FULL", "BATCH_SIZE", "NONE"), ignoreLabel=255)
    nodes, inputs = net.needed()
    require(any(node["op"] == "conv2d" for node in nodes) and "x" in inputs)
    require_clear_decisions(nodes, inputs)
    return {"nodes": nodes}, inputs
