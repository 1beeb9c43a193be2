"""A safetensors file of float32 as PyTorch tensors: eight bytes of length, a JSON header, the data. Debian packs torch, but not safetensors."""

import json
import math

import torch


def read(path):
    """Tensors by name, and the file's metadata."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    return {name: tensor(data, **entry) for name, entry in header.items()}, metadata


def tensor(data, dtype, shape, data_offsets):
    if dtype != "F32":
        raise ValueError(f"{dtype}: only F32 is read here")
    start, _ = data_offsets
    return torch.frombuffer(data, dtype=torch.float32, count=math.prod(shape), offset=start).reshape(shape)
