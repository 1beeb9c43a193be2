"""FCN-8s on VGG16 in PyTorch, float32 without TF32, 500 x 500, pad 100, 21 classes: beside npm run bench:vgg16 on the same card.

    python3 bench/peers/pytorch-fcn8s.py
"""

import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.backends.cudnn.benchmark = True
CLASSES = 21


class Fcn8s(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList()
        channels = 3
        for stage, (outputs, layers) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]):
            convs = nn.ModuleList()
            for layer in range(layers):
                convs.append(nn.Conv2d(channels, outputs, 3, padding=100 if stage == 0 and layer == 0 else 1))
                channels = outputs
            self.stages.append(convs)
        self.fc6, self.fc7 = nn.Conv2d(512, 4096, 7), nn.Conv2d(4096, 4096, 1)
        self.score, self.score4, self.score3 = (nn.Conv2d(c, CLASSES, 1) for c in (4096, 512, 256))
        self.up2, self.up4, self.up8 = (nn.ConvTranspose2d(CLASSES, CLASSES, 2 * s, s, bias=False) for s in (2, 2, 8))

    def forward(self, x):
        height, width = x.shape[2:]
        pools = []
        for convs in self.stages:
            for conv in convs:
                x = F.relu(conv(x), inplace=True)
            x = F.max_pool2d(x, 2, 2, ceil_mode=True)
            pools.append(x)
        x = F.relu(self.fc7(F.relu(self.fc6(x))))
        x = self.up2(self.score(x))
        x = self.up4(x + self.score4(pools[3])[:, :, 5 : 5 + x.shape[2], 5 : 5 + x.shape[3]])
        x = self.up8(x + self.score3(pools[2])[:, :, 9 : 9 + x.shape[2], 9 : 9 + x.shape[3]])
        return x[:, :, 31 : 31 + height, 31 : 31 + width]


def timed(call, runs=20):
    for _ in range(5):
        call()
    torch.cuda.synchronize()
    started = time.time()
    for _ in range(runs):
        call()
    torch.cuda.synchronize()
    return (time.time() - started) / runs * 1e3


net = Fcn8s().cuda()
image = torch.randn(1, 3, 500, 500, device="cuda")
labels = torch.randint(0, CLASSES, (1, 500, 500), device="cuda")
optimizer = torch.optim.SGD(net.parameters(), lr=1e-12, momentum=0.99, weight_decay=5e-4)


def forward():
    with torch.no_grad():
        net(image)


def step():
    optimizer.zero_grad(set_to_none=True)
    F.cross_entropy(net(image), labels).backward()
    optimizer.step()


print(torch.__version__, torch.cuda.get_device_name())
for name, layout in (("channels first", torch.contiguous_format), ("channels last", torch.channels_last)):
    net, image = net.to(memory_format=layout), image.to(memory_format=layout)
    print(f"{name}: forward {timed(forward):.2f} ms, training step {timed(step):.2f} ms")
