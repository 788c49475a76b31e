"""Losses that several methods share; each returns one number."""

from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss, relu


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


def pixel_l1(images: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference over images, channels and pixels."""
    return l1_loss(images, target)


def pixel_l2(images: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference over images, channels and pixels."""
    return mse_loss(images, target)
