"""Softmax, losses, products and normalisations by PyTorch, in the terms of conformance-cases/1."""

import numpy as np
import torch
import torch.nn.functional as F

from draw import must_agree


def log_softmax(t, a):
    return {"y": t["x"] - torch.logsumexp(t["x"], tuple(a["axes"]), keepdim=True)}


def softmax(t, a):
    return {"y": log_softmax(t, a)["y"].exp()}


def losses(log_prob, t, ignored):
    """Of each pixel, 0 where it is ignored, and the weight of its label."""
    labels = t["labels"].long()
    kept = torch.ones_like(labels, dtype=torch.bool) if ignored is None else labels != ignored
    named = torch.where(kept, labels, torch.zeros_like(labels))
    weights = t["weights"][named] if "weights" in t else torch.ones(labels.shape, dtype=log_prob.dtype)
    weights = weights * kept
    return -torch.gather(log_prob, 1, named.unsqueeze(1)).squeeze(1) * weights, weights, kept


def reduced(log_prob, t, a):
    values, weights, _ = losses(log_prob, t, a["ignoreIndex"])
    if a["reduction"] == "none":
        loss = values
    else:
        loss = values.sum() / weights.sum() if a["reduction"] == "mean" else values.sum()
    ignored = -100 if a["ignoreIndex"] is None else a["ignoreIndex"]
    weights = t["weights"].detach() if "weights" in t else None
    must_agree(F.nll_loss(log_prob, t["labels"].long(), weights, ignore_index=ignored, reduction=a["reduction"]), loss)
    return loss


def softmax_cross_entropy(t, a):
    log_prob = F.log_softmax(t["x"], 1)
    return {"loss": reduced(log_prob, t, a), "logProb": log_prob}


def nll_loss(t, a):
    return {"loss": reduced(t["x"], t, a)}


def softmax_with_loss(t, a):
    """Caffe's: no probability counts as less than FLT_MIN, but the gradient is that of the loss without this floor."""
    values, _, kept = losses(F.log_softmax(t["x"], 1), t, a["ignoreLabel"])
    values = values + (values.clamp(max=-np.log(np.finfo(np.float32).tiny)) - values).detach()
    divisor = {"VALID": int(kept.sum()), "FULL": kept.numel(), "BATCH_SIZE": kept.shape[0], "NONE": 1}[a["normalization"]]
    return {"loss": values.sum() / max(1, divisor)}


def gemm(t, a):
    x = t["a"].T if a["transA"] else t["a"]
    y = a["alpha"] * (x @ (t["b"].T if a["transB"] else t["b"]))
    return {"y": y + a["beta"] * t["c"] if "c" in t else y}


def matmul(t, _):
    return {"y": torch.matmul(t["a"], t["b"])}


def batch_norm(t, a):
    x = t["x"]
    along = [1, -1] + [1] * (x.dim() - 2)
    scale, bias, mean, variance = (t[name].view(along) for name in ("scale", "bias", "mean", "variance"))
    y = (x - mean) / torch.sqrt(variance + a["epsilon"]) * scale + bias
    must_agree(F.batch_norm(x, t["mean"].detach(), t["variance"].detach(), t["scale"], t["bias"], False, 0, a["epsilon"]), y)
    return {"y": y}


def lrn(t, a):
    """ONNX's window; PyTorch's is the same for odd sizes."""
    x, size = t["x"], a["size"]
    squares = F.pad(x * x, (0, 0, 0, 0, (size - 1) // 2, size // 2))
    sums = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    y = x / (a["bias"] + a["alpha"] / size * sums) ** a["beta"]
    if size % 2 == 1:
        must_agree(F.local_response_norm(x, size, a["alpha"], a["beta"], a["bias"]), y)
    return {"y": y}


def arg_max(t, a):
    """numpy's argmax: the first of equal ones."""
    x, axis = t["x"].detach().numpy(), a["axis"]
    if a["selectLastIndex"]:
        y = x.shape[axis] - 1 - np.argmax(np.flip(x, axis), axis)
    else:
        y = np.argmax(x, axis)
    return {"y": torch.from_numpy(np.array(np.expand_dims(y, axis) if a["keepDims"] else y))}


def seg_metrics(t, a):
    classes = a["classes"]
    labels, prediction = t["labels"].numpy(), t["prediction"].numpy()
    inside = (labels >= 0) & (labels < classes)
    hist = np.bincount(classes * labels[inside] + prediction[inside], minlength=classes**2).reshape(classes, classes)
    right, of_label, of_prediction = np.diag(hist), hist.sum(1), hist.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy, overlap = right / of_label, right / (of_label + of_prediction - right)
    metrics = {
        "pixelAccuracy": right.sum() / hist.sum(),
        "meanAccuracy": np.nanmean(accuracy),
        "meanIU": np.nanmean(overlap),
        "frequencyWeightedIU": (of_label * np.nan_to_num(overlap)).sum() / hist.sum(),
    }
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in {"hist": hist, **metrics}.items()}


RULES = {
    "softmax": softmax,
    "logSoftmax": log_softmax,
    "softmaxCrossEntropy": softmax_cross_entropy,
    "nllLoss": nll_loss,
    "softmaxWithLoss": softmax_with_loss,
    "gemm": gemm,
    "matmul": matmul,
    "batchNorm": batch_norm,
    "lrn": lrn,
    "argMax": arg_max,
    "segMetrics": seg_metrics,
}
