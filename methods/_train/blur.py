"""Random blur of training faces."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

SMALLEST, LARGEST = 2, 6


def random_blur(images: Tensor, generator: torch.Generator) -> Tensor:
    """Blur each image by a Gaussian kernel of 2 to 6 px (LRGAN Section 4.1).

    Inferred: the shape of the kernel; its standard deviation is a quarter of its size.

    Args:
        images: (n, 3, h, w).
        generator: Decides the sizes, on the CPU.
    """
    n, c, h, w = images.shape
    sizes = torch.randint(SMALLEST, LARGEST + 1, (n,), generator=generator)
    kernels = torch.stack([_kernel(int(size)) for size in sizes]).to(images)
    before, after = (LARGEST - 1) // 2, LARGEST // 2
    stack = pad(images, (before, after, before, after), mode="replicate").reshape(
        1, n * c, h + 5, -1
    )
    kernels = kernels.repeat_interleave(c, 0)[:, None]
    rows = conv2d(stack, kernels[:, :, :, None], groups=n * c)
    return conv2d(rows, kernels[:, :, None, :], groups=n * c).reshape(n, c, h, w)


def _kernel(size: int) -> Tensor:
    """Weights of one line, (6,), zero outside the middle `size` ones."""
    position = torch.arange(size) - (size - 1) / 2
    weights = torch.exp(-(position**2) / (2 * (size / 4) ** 2))
    kernel = torch.zeros(LARGEST)
    first = (LARGEST - 1) // 2 - (size - 1) // 2
    kernel[first : first + size] = weights / weights.sum()
    return kernel
