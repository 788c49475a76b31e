"""How a StyleGAN2 generator is trained, for every method that needs one and has no file of it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.autograd import grad
from torch.optim import Adam

from facesr.methods._nets.stylegan2 import Generator
from facesr.methods._nets.stylegan2_discriminator import Discriminator
from facesr.methods._train.data import Feed
from facesr.methods._train.engine import Trainer
from facesr.methods._train.losses import gradient_penalty, log_discriminator, log_generator

R1_EVERY = 16
PATH_EVERY = 4
HALF_LIFE = 10_000  # images after which the moving average has forgotten half


class PathLength(nn.Module):
    """Keeps a fixed step in W at a fixed change of the image (Karras et al. 2020, Eq. 4).

    Args:
        decay: Share of the running mean length that every use replaces.
    """

    mean: Tensor

    def __init__(self, decay: float = 0.01) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, images: Tensor, codes: Tensor, noise: Tensor) -> Tensor:
        """Return the mean squared difference from the mean length, which moves on.

        Args:
            images: Made of `codes`, (n, 3, h, w).
            codes: Of W+, that require a gradient, (n, latents, style).
            noise: Normal numbers of the shape of `images`.
        """
        scaled = images * noise / math.sqrt(images.shape[2] * images.shape[3])
        (slope,) = grad(scaled.sum(), codes, create_graph=True)
        lengths = slope.square().sum(2).mean(1).sqrt()
        mean = self.mean.lerp(lengths.mean(), self.decay)
        self.mean.copy_(mean.detach())
        return (lengths - mean).square().mean()


def lazy_adam(net: nn.Module, rate: float, every: int) -> Adam:
    """Return the optimiser of a network with a further update after every `every` (Appendix B).

    Rate and betas, (0, 0.99), are those that leave the whole as if the regulariser were a part of
    each update.
    """
    share = every / (every + 1)
    return Adam(net.parameters(), rate * share, betas=(0.0, 0.99**share))


@dataclass
class StyleTraining:
    """One generator and its discriminator: networks, optimisers and the step of a `Trainer`.

    Karras et al. 2020, Appendix B; faces are mirrored at random as there for FFHQ.

    Args:
        generator: Of the size of the real faces.
        discriminator: Of the same size.
        feed: Where real faces come from.
        batch: Faces per update; the path length looks at half of them.
        rate: Learning rate.
        r1_weight: Of the gradient penalty, halved in the loss.
        path_weight: Of the path length.
        mixing: Probability of two codes in one face, style mixing.
        r1_every: Updates of the discriminator for each gradient penalty, weighted by as much.
        path_every: The same for generator and path length.
    """

    generator: Generator
    discriminator: Discriminator
    feed: Feed
    batch: int = 32
    rate: float = 2e-3
    r1_weight: float = 10.0
    path_weight: float = 2.0
    mixing: float = 0.9
    r1_every: int = R1_EVERY
    path_every: int = PATH_EVERY
    path: PathLength = field(default_factory=PathLength)

    @property
    def nets(self) -> dict[str, nn.Module]:
        """All that has a state, by name."""
        return {"style_g": self.generator, "style_d": self.discriminator, "path": self.path}

    @property
    def optimisers(self) -> dict[str, Adam]:
        """A new optimiser for each network that is updated."""
        return {
            "style_g": lazy_adam(self.generator, self.rate, self.path_every),
            "style_d": lazy_adam(self.discriminator, self.rate, self.r1_every),
        }

    @property
    def averages(self) -> dict[str, float]:
        """Decay of the generator's moving average (Karras et al. 2018, Appendix C)."""
        return {"style_g": 0.5 ** (self.batch / HALF_LIFE)}

    def sample(self, n: int) -> Tensor:
        """Return `n` faces, the same codes each time."""
        z = torch.randn((n, self.generator.style_dim), generator=torch.Generator().manual_seed(0))
        return self.generator(self.generator.map(z.to(self.feed.device)))

    def step(self, trainer: Trainer) -> None:
        """Update the discriminator, then the generator; now and then their regularisers."""
        with _single(trainer.device):
            real = self._real(trainer)
            with torch.no_grad():
                fake = self._make(trainer, self._codes(trainer, self.batch))
            trainer.minimise(
                "style_d",
                logistic=log_discriminator(self.discriminator(real), self.discriminator(fake)),
            )
            if trainer.done % self.r1_every == 0:
                trainer.minimise("style_d", r1=self._r1(real))
            fake = self._make(trainer, self._codes(trainer, self.batch))
            trainer.minimise("style_g", logistic=log_generator(self.discriminator(fake)))
            if trainer.done % self.path_every == 0:
                trainer.minimise("style_g", path=self._path(trainer))

    # The regularisers call `forward`: compiled networks have no second derivatives.

    def _r1(self, real: Tensor) -> Tensor:
        real = real.detach().requires_grad_()
        penalty = gradient_penalty(self.discriminator.forward(real), real)
        return self.r1_weight / 2 * self.r1_every * penalty

    def _path(self, trainer: Trainer) -> Tensor:
        codes = self._codes(trainer, max(1, self.batch // 2))
        layers = self.generator.draw_noise(len(codes), trainer.generator("layers"))
        images = self.generator.forward(codes, layers)
        penalty = self.path.forward(images, codes, trainer.noise(*images.shape))
        return self.path_weight * self.path_every * penalty

    def _real(self, trainer: Trainer) -> Tensor:
        real = self.feed.hr(self.batch)
        toss = torch.rand(len(real), generator=trainer.generator("mirror")) < 0.5
        return torch.where(toss.to(real.device)[:, None, None, None], real.flip(3), real)

    def _make(self, trainer: Trainer, codes: Tensor) -> Tensor:
        return self.generator(
            codes, self.generator.draw_noise(len(codes), trainer.generator("layers"))
        )

    def _codes(self, trainer: Trainer, n: int) -> Tensor:
        """Draw codes of W+, of one face or, from some layer on, of another."""
        latents = self.generator.latents
        z = trainer.noise(2 * n, self.generator.style_dim)
        first, second = self.generator.map(z)[:, None].expand(-1, latents, -1).chunk(2)
        dice = trainer.generator("mixing")
        mixed = torch.rand(n, generator=dice) < self.mixing
        start = torch.randint(1, latents, (n,), generator=dice).where(mixed, latents)
        kept = torch.arange(latents) < start[:, None]
        return torch.where(kept.to(first.device)[:, :, None], first, second)


@contextmanager
def _single(device: torch.device) -> Iterator[None]:
    """Compute in single precision: second derivatives and unbounded features need it."""
    with torch.autocast(device.type, enabled=False):
        yield
