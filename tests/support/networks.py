"""Small networks for tests of the training."""

import torch
from vesimod_train.networks.unet import UNet


def random_unet(channels, poolings, seed):
    """A U-Net in evaluation mode whose normalisations are, as after training, not the identity."""
    torch.manual_seed(seed)
    network = UNet(channels, poolings).eval()
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm3d):  # as after training: none of them is zero
            torch.nn.init.normal_(layer.bias)
            torch.nn.init.normal_(layer.running_mean)
    return network
