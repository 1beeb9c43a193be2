"""How cases of softmax, losses, products, normalisations and labels are drawn."""

import numpy as np

from draw import require


def softmax(draw):
    rank = draw.integer(1, 5)
    shape = draw.shape(rank, draw.one_of(9, 9, 70 if rank < 3 else 9))
    axes = sorted(draw.random.sample(range(rank), draw.integer(1, rank) if draw.chance(0.4) else 1))
    return {"axes": [a - rank if draw.chance(0.2) else a for a in axes]}, {"x": draw.values(shape)}


def scores(draw, rank_choices):
    """[N, C, ...]"""
    rank = draw.one_of(*rank_choices)
    shape = draw.image(12) if rank == 4 else draw.shape(rank)
    shape[1] = draw.one_of(1, 2, 3, 4, 5, 20, 21, 31, 32, 33, 60)
    return shape


def loss(draw, axis):
    shape = scores(draw, (2, 3, 4, 4, 4))
    ignored = draw.one_of(None, 255, -1, -100, 0, shape[1] - 1)
    labels = draw.labels([shape[0], *shape[2:]], shape[1], ignored)
    reduction = draw.one_of("none", "mean", "sum")
    if ignored is not None and draw.chance(0.1):
        labels = np.full_like(labels, ignored)
    # The mean of nothing is not a number.
    require(reduction != "mean" or ignored is None or (labels != ignored).any())
    inputs = {"x": draw.values(shape), "labels": labels}
    if draw.chance(0.5):
        inputs["weights"] = draw.positive([shape[1]])
    return {**axis, "reduction": reduction, "ignoreIndex": ignored}, inputs


def softmax_cross_entropy(draw):
    return loss(draw, {"axis": 1})


def nll_loss(draw):
    return loss(draw, {"axis": 1})


def softmax_with_loss(draw):
    shape = scores(draw, (4,))
    ignored = draw.one_of(None, 255, -1, 0)
    labels = draw.labels([shape[0], *shape[2:]], shape[1], ignored)
    if ignored is not None and draw.chance(0.2):
        labels = np.full_like(labels, ignored)
    attributes = {"axis": 1, "normalization": draw.one_of("VALID", "FULL", "BATCH_SIZE", "NONE"), "ignoreLabel": ignored}
    return attributes, {"x": draw.values(shape), "labels": labels}


def gemm(draw):
    m, n, k = (draw.one_of(1, 2, 3, 4, 5, 8, 12, 16, 17, 33, 64) for _ in range(3))
    trans_a, trans_b = draw.chance(0.5), draw.chance(0.5)
    inputs = {"a": draw.values([k, m] if trans_a else [m, k]), "b": draw.values([n, k] if trans_b else [k, n])}
    if draw.chance(0.7):
        inputs["c"] = draw.values(draw.one_of([m, n], [n], [1, n], [m, 1], [1, 1], [1], []))
    return {"alpha": draw.one_of(1, 0.25, -1.5), "beta": draw.one_of(1, 0.5, 0), "transA": trans_a, "transB": trans_b}, inputs


def matmul(draw):
    m, n, k = (draw.one_of(1, 2, 3, 4, 5, 8, 12, 16, 17, 33, 64) for _ in range(3))
    batch = draw.shape(draw.integer(0, 3), 4)

    def leading():
        kept = batch[draw.integer(0, len(batch)) :]
        return [1 if draw.chance(0.3) else d for d in kept]

    return {}, {"a": draw.values([*leading(), m, k]), "b": draw.values([*leading(), k, n])}


def batch_norm(draw):
    shape = draw.image() if draw.chance(0.6) else draw.shape(draw.integer(2, 5))
    of = [shape[1]]
    inputs = {"x": draw.values(shape), "scale": draw.values(of), "bias": draw.values(of), "mean": draw.values(of)}
    return {"epsilon": draw.one_of(1e-5, 1e-3, 0.1)}, {**inputs, "variance": draw.positive(of)}


def lrn(draw):
    attributes = {"size": draw.one_of(1, 2, 3, 4, 5, 6, 7), "alpha": draw.one_of(1e-4, 0.5), "beta": draw.one_of(0.5, 0.75, 1), "bias": draw.one_of(1, 2)}
    return attributes, {"x": draw.values(draw.image(12), draw.one_of("floats", "integers"))}


def arg_max(draw):
    rank = draw.integer(1, 5)
    shape = draw.image(9) if rank == 4 else draw.shape(rank)
    attributes = {"axis": draw.axis(rank), "keepDims": draw.chance(0.5), "selectLastIndex": draw.chance(0.5)}
    # Integers have ties.
    return attributes, {"x": draw.values(shape, draw.one_of("integers", "integers", "floats", "large"))}


def seg_metrics(draw):
    classes, shape = draw.integer(2, 9), [draw.integer(1, 20), draw.integer(1, 20)]
    labels = draw.labels(shape, classes, draw.one_of(None, 255, -1)).astype(np.int32)
    require(((labels >= 0) & (labels < classes)).any())
    return {"classes": classes}, {"labels": labels, "prediction": draw.numpy.integers(0, classes, shape).astype(np.int32)}
