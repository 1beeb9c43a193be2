"""What no tensor goes into: Caffe's bilinear filler, surgery.py's upsampling weights, the layer sizes of the authors' nets by Caffe's rules."""

import math

import torch


def bilinear(kernel):
    f = math.ceil(kernel / 2)
    c = (kernel - 1) / (2 * f)
    along = torch.tensor([1 - abs(x / f - c) for x in range(kernel)], dtype=torch.float64)
    return along[:, None] * along[None, :]


def bilinear_kernel(_, a):
    return {"y": bilinear(a["shape"][2]).expand(a["shape"])}


def upsample_weights(_, a):
    w = torch.zeros(a["classes"], a["classes"], a["kernel"], a["kernel"], dtype=torch.float64)
    # surgery.py's own filler: the centre by the kernel's parity.
    factor = (a["kernel"] + 1) // 2
    centre = factor - 1 if a["kernel"] % 2 == 1 else factor - 0.5
    along = 1 - (torch.arange(a["kernel"], dtype=torch.float64) - centre).abs() / factor
    for i in range(a["classes"]):
        w[i, i] = along[:, None] * along[None, :]
    return {"w": w}


def conv(size, kernel, stride=1, pad=0):
    return (size + 2 * pad - kernel) // stride + 1


def pool(size, kernel):
    return math.ceil((size - kernel) / 2) + 1


def up(size, stride, kernel):
    return (size - 1) * stride + kernel


def vgg_along(variant, size):
    s = {"conv1_1": conv(size, 3, 1, 100)}
    before = s["conv1_1"]
    for i in range(1, 6):
        before = s[f"pool{i}"] = pool(before, 2)
    s["fc6"] = before = conv(before, 7)
    if variant == "32s":
        s["upscore"] = up(before, 32, 64)
    else:
        s["upscore2"] = s["score_pool4c"] = before = up(before, 2, 4)
        if variant == "16s":
            s["upscore16"] = up(before, 16, 32)
        else:
            s["upscore_pool4"] = s["score_pool3c"] = before = up(before, 2, 4)
            s["upscore8"] = up(before, 8, 16)
    return {**s, "score": size}


def alexnet_along(size):
    s = {"conv1": conv(size, 11, 4, 100)}
    s["pool1"] = s["conv2"] = pool(s["conv1"], 3)
    s["pool2"] = pool(s["conv2"], 3)
    s["pool5"] = pool(s["pool2"], 3)
    s["fc6"] = conv(s["pool5"], 6)
    return {**s, "upscore": up(s["fc6"], 32, 63), "score": size}


def fcn_sizes(_, a):
    net = a["variant"].removeprefix("voc-fcn")
    along = [alexnet_along(n) if net == "-alexnet" else vgg_along(net, n) for n in (a["height"], a["width"])]
    return {name: torch.tensor([side[name] for side in along], dtype=torch.int32) for name in along[0]}


RULES = {"bilinearKernel": bilinear_kernel, "upsampleWeights": upsample_weights, "fcnSizes": fcn_sizes}
