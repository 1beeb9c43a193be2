"""What random cases are drawn from: extents and values that lie on both sides of the engine's boundaries, all from one seed."""

import random

import numpy as np
import torch

# One, primes, one less and one more than a vec4, a tile of 16 and of 64.
CHANNELS = [1, 1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 9, 12, 13, 15, 16, 17, 20, 21, 24, 31, 32, 33, 40, 48, 63, 64, 65, 70]
EXTENTS = [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 19, 23, 24, 31, 33]
# What each style of values is multiplied by.
SCALES = {"floats": 1.0, "large": 1e4, "tiny": 1e-4}
MOST_FLOPS = 20e6


class TryAgain(Exception):
    """What was drawn is no case: nothing left of an image, a tie that rounding decides, too much work."""


class Draw:
    """A source of random choices for one case."""

    def __init__(self, key):
        self.random = random.Random(key)
        self.numpy = np.random.default_rng(self.random.getrandbits(64))
        self.style = self.random.choices(["floats", "integers", "sparse", "large", "tiny"], [8, 5, 1, 1, 1])[0]

    def integer(self, least, most):
        return self.random.randint(least, most)

    def one_of(self, *choices):
        return self.random.choice(choices)

    def chance(self, probability):
        return self.random.random() < probability

    def channels(self, most=70):
        return self.random.choice([c for c in CHANNELS if c <= most])

    def extent(self, most=33):
        return self.random.choice([e for e in EXTENTS if e <= most])

    def shape(self, rank, most=9):
        return [self.integer(1, most) for _ in range(rank)]

    def image(self, most=24):
        """[N, C, H, W]"""
        return [self.one_of(1, 1, 1, 2, 3), self.channels(), self.extent(most), self.extent(most)]

    def pair(self, *choices):
        """[h, w], the same twice more often than not."""
        first = self.one_of(*choices)
        return [first, first if self.chance(0.6) else self.one_of(*choices)]

    def pads(self, most):
        """[top, left, bottom, right]"""
        if self.chance(0.3):
            return [0, 0, 0, 0]
        if self.chance(0.5):
            return [self.integer(0, most)] * 4
        return [self.integer(0, most) for _ in range(4)]

    def values(self, shape, style=None):
        style = style or self.style
        if style == "integers":
            return self.numpy.integers(-3, 4, shape).astype(np.float32)
        if style == "sparse":
            kept = self.numpy.random(shape) < 0.2
            return np.where(kept, self.numpy.integers(-2, 3, shape), 0).astype(np.float32)
        return (self.numpy.uniform(-1, 1, shape) * SCALES[style]).astype(np.float32)

    def positive(self, shape, least=0.1, most=2.0):
        return self.numpy.uniform(least, most, shape).astype(np.float32)

    def labels(self, shape, classes, ignored=None):
        labels = self.numpy.integers(0, classes, shape)
        if ignored is not None:
            share = self.one_of(0.0, 0.1, 0.5)
            labels = np.where(self.numpy.random(shape) < share, ignored, labels)
        return labels.astype(self.one_of(np.int32, np.int64))

    def axis(self, rank):
        """Counted from the front or the back."""
        axis = self.integer(0, rank - 1)
        return axis - rank if self.chance(0.3) else axis


def must_agree(own, rule, tolerance=1e-9):
    """Between PyTorch's own operation and the rule that takes its place, where both are float64."""
    if rule.dtype == torch.float64:
        allowed = tolerance * (1 + float(rule.detach().abs().max()))
        assert own.shape == rule.shape and torch.allclose(own, rule, rtol=1e-9, atol=allowed), "PyTorch's own operation disagrees"


def require(fits):
    if not fits:
        raise TryAgain
