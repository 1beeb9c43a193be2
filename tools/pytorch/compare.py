"""Trains the twenty steps of a narrow FCN-8s in PyTorch, float32, and compares weights and losses with the engine's.

Started by compare.ts with the file that holds them. Caffe's SGD: the learning rate is inside the velocity, biases have multipliers of their own (fcn.md 2.1).
Exits with 1 where a parameter differs by more than 1e-4 of its range.
"""

import json
import sys

import torch
import torch.nn.functional as F
from safetensors_reader import read

TOLERANCE = 1e-4
# The paper's accumulated regime for VGG16, an image a step. Written out here: what is read from the engine could not disagree with it.
LEARNING_RATE, MOMENTUM, WEIGHT_DECAY = 1e-4, 0.9, 5e-4
BLOCKS = [2, 2, 3, 3, 3]

torch.use_deterministic_algorithms(True)
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False

tensors, metadata = read(sys.argv[1])
told = json.loads(metadata["steps"])

def named(prefix):
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}


start, ours = named("start:"), named("ours:")


def multipliers(name):
    """Caffe's lr_mult and decay_mult: biases learn at twice the rate and do not decay; the last upsampling is bilinear and stays so."""
    if name == "upscore8.weight":
        return 0, 0
    return (2, 0) if name.endswith(".bias") else (1, 1)


w = {name: t.clone().requires_grad_(multipliers(name)[0] != 0) for name, t in start.items()}
velocity = {name: torch.zeros_like(t) for name, t in w.items()}


def conv(x, name):
    weight = w[f"{name}.weight"]
    return F.conv2d(x, weight, w[f"{name}.bias"], padding=weight.shape[-1] // 2)


def up(x, name, stride):
    """The kernel is twice the stride: half a stride of padding keeps stride times the size."""
    return F.conv_transpose2d(x, w[f"{name}.weight"], stride=stride, padding=stride // 2)


def scores(x):
    pools = []
    for block, count in enumerate(BLOCKS, start=1):
        for i in range(1, count + 1):
            x = F.relu(conv(x, f"conv{block}_{i}"))
        x = F.max_pool2d(x, 2, ceil_mode=True)
        pools.append(x)
    x = F.relu(conv(x, "fc6"))
    x = F.relu(conv(x, "fc7"))
    at16 = up(conv(x, "score_fr"), "upscore2", 2) + conv(pools[3], "score_pool4")
    at8 = up(at16, "upscore_pool4", 2) + conv(pools[2], "score_pool3")
    return up(at8, "upscore8", 8)


worst_loss = 0.0
for step, loss_here in enumerate(told["losses"]):
    labels = tensors[f"labels:{step}"].long()
    loss = F.cross_entropy(scores(tensors[f"image:{step}"]), labels, ignore_index=told["ignore"])
    trained = {name: t for name, t in w.items() if t.requires_grad}
    gradients = torch.autograd.grad(loss, list(trained.values()))
    worst_loss = max(worst_loss, abs(loss.item() - loss_here) / loss.item())
    with torch.no_grad():
        for (name, weight), gradient in zip(trained.items(), gradients):
            rate, decay = multipliers(name)
            gradient = gradient + WEIGHT_DECAY * decay * weight
            velocity[name] = MOMENTUM * velocity[name] + LEARNING_RATE * rate * gradient
            weight -= velocity[name]

worst, where = 0.0, ""
with torch.no_grad():
    for name, theirs in w.items():
        spread = (theirs.max() - theirs.min()).item()
        difference = (theirs - ours[name]).abs().max().item() / spread
        if difference > worst:
            worst, where = difference, name

print(f"torch {torch.__version__}: losses differ by {worst_loss:.1e} at most, weights by {worst:.1e} of their range ({where})")
sys.exit(0 if worst <= TOLERANCE and worst_loss <= TOLERANCE else 1)
