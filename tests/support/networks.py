"""Small networks for tests of the training."""

import torch
from vesimod_train.config import Config
from vesimod_train.networks.unet import UNet

#: The shortest training that still learns something.
TINY = Config(
    channels=4,
    poolings=1,
    steps=30,
    batch=2,
    crop=16,
    volumes=0,
    validation_volumes=0,
    learning_rate=1e-2,
    ema=0.8,
    check_every=30,
    bfloat16=False,
)


def random_unet(channels, poolings, seed):
    """A U-Net in evaluation mode whose normalisations are, as after training, not the identity."""
    torch.manual_seed(seed)
    network = UNet(channels, poolings).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm3d):  # as after training: none of them is zero
            torch.nn.init.normal_(layer.bias)
            torch.nn.init.normal_(layer.running_mean)
    return network
