"""Attention: over positions, and over channels in residual blocks."""

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, relu, scaled_dot_product_attention

REDUCTION = 16


class SelfAttention(nn.Module):
    """Every position looks at all others (Zhang et al., "Self-Attention GANs", ICML 2019, Eq. 3).

    It starts as the identity, because what is added is scaled by a learned zero.

    Args:
        width: Channels; queries and keys have an eighth of them.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = max(1, width // 8)
        self.query = nn.Conv2d(width, narrow, 1)
        self.key = nn.Conv2d(width, narrow, 1)
        self.value = nn.Conv2d(width, width, 1)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, width, h, w) to the same shape."""
        query, key, value = (layer(x).flatten(2).mT for layer in (self.query, self.key, self.value))
        seen = scaled_dot_product_attention(query, key, value, scale=1.0)
        return x + self.gain * seen.mT.reshape(x.shape)


class AttentionBlock(nn.Module):
    """Residual block whose channels are weighted by the image as a whole, without normalisation.

    Zhang et al., "Image Super-Resolution Using Very Deep Residual Channel Attention Networks",
    ECCV 2018, Eqs. 8 to 10: 3x3 convolution, ReLU, 3x3 convolution, channel attention, plus the
    input.

    Args:
        width: Channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = max(1, width // REDUCTION)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.squeeze = nn.Conv2d(width, narrow, 1)
        self.excite = nn.Conv2d(narrow, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, width, h, w) to the same shape."""
        y = self.conv2(relu(self.conv1(x), inplace=True))
        weight = self.excite(relu(self.squeeze(adaptive_avg_pool2d(y, 1)), inplace=True))
        return x + y * torch.sigmoid(weight)
