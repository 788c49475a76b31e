"""Losses that several methods share; each returns one number."""

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss, relu, softplus


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss of a discriminator, to be minimised.

    The negative of what Miyato et al., "Spectral Normalization for Generative Adversarial
    Networks", ICLR 2018, Eq. 16, let the discriminator maximise.

    Args:
        real: Its verdicts on real images, any shape.
        fake: Its verdicts on generated images, any shape.
    """
    return relu(1 - real).mean() + relu(1 + fake).mean()


def hinge_generator(fake: Tensor) -> Tensor:
    """Loss of a generator against a hinge discriminator (Miyato et al. 2018, Eq. 17)."""
    return -fake.mean()


def log_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Logarithmic loss of a discriminator, to be minimised.

    The negative of what Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, Eq. 1,
    let the discriminator maximise.

    Args:
        real: Its verdicts on real images before the sigmoid, any shape.
        fake: Its verdicts on generated images, likewise.
    """
    return softplus(-real).mean() + softplus(fake).mean()


def log_generator(fake: Tensor) -> Tensor:
    """Loss of a generator against it: log D is maximised (Goodfellow et al. 2014, Section 3)."""
    return softplus(-fake).mean()


def pixel_l1(images: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference over images, channels and pixels."""
    return l1_loss(images, target)


def pixel_l2(images: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference over images, channels and pixels."""
    return mse_loss(images, target)


def gradient_penalty(verdicts: Tensor, real: Tensor) -> Tensor:
    """Mean squared norm of a discriminator's gradient at real images (Mescheder et al. 2018, R1).

    Without the factor r / 2 of "Which training methods for GANs do actually converge?", Eq. 9.

    Args:
        verdicts: What the discriminator made of `real`, (n, 1).
        real: Images that require gradients, (n, c, h, w).
    """
    (slope,) = torch.autograd.grad(verdicts.sum(), real, create_graph=True)
    return slope.square().sum((1, 2, 3)).mean()
