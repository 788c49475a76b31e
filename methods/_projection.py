"""The second step: faces to codes of a StyleGAN, and what is done with the codes.

Cheikh Sidiya & Li 2022, section 5. Images in [-1, 1]; every face is on its own, whichever others
are in a batch.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, normalize

from facesr.bench.progress import progress
from facesr.methods._nets.stylegan2 import Generator
from facesr.methods._nets.stylegan2_discriminator import Discriminator

Features = Callable[[Tensor], Sequence[Tensor]]
_BETAS, _EPSILON = (0.9, 0.999), 1e-8
_RISE, _FALL = 0.05, 0.25  # shares of the steps in which the rate rises and falls
_GAIN = 1e-3  # a smaller relative decrease of the loss is none
_FLOOR = 1e-12


@dataclass(frozen=True)
class Projection:
    """Codes of some faces.

    Args:
        codes: Of W, (n, style), or of W+, (n, latents, style).
        errors: Mean squared difference from each face, for pixels of [0, 1], (n,) (Eq. 12).
        steps: After how many steps each search ended, (n,), int64.
    """

    codes: Tensor
    errors: Tensor
    steps: Tensor


@dataclass(frozen=True)
class Projector:
    """Searches codes whose faces look like given ones, by gradient descent (Eqs. 7 and 8).

    Adam's rate rises and falls as in StyleGAN2's own projector (Karras et al. 2020, Appendix D);
    the noise stays as it is, so that codes alone explain a face. A face is done when its loss has
    not fallen for some steps, and the best code is kept.

    Args:
        generator: Of faces.
        features: What is compared besides pixels, by the squared length of the difference at each
            position; None for nothing.
        steps: Most steps.
        rate: Highest learning rate.
        patience: Steps without progress after which a face is done.
        pixel: Weight of the mean squared difference of pixels.
        perceptual: Weight of the difference of features.
        batch: Faces at once.
    """

    generator: Generator
    features: Features | None
    steps: int
    rate: float
    patience: int
    pixel: float
    perceptual: float
    batch: int

    def project(self, faces: Tensor, start: Tensor, label: str) -> Projection:
        """Search a code for each face.

        Args:
            faces: (n, 3, h, h) in [-1, 1], no larger than those of the generator.
            start: Where the search begins and in which space, (n, style) or (n, latents, style).
            label: What the line of progress says.
        """
        with torch.inference_mode(False), torch.enable_grad():
            faces, start = faces.detach().clone(), start.detach().clone()
            with progress(label, len(faces) * self.steps, "steps") as advance:
                parts = [
                    self._search(face, code, advance)
                    for face, code in zip(
                        faces.split(self.batch), start.split(self.batch), strict=True
                    )
                ]
        fields = zip(*((p.codes, p.errors, p.steps) for p in parts), strict=True)
        return Projection(*(torch.cat(field) for field in fields))

    def _search(self, faces: Tensor, codes: Tensor, advance: Callable[..., None]) -> Projection:
        known = self._look(faces)
        best = Projection(
            codes.clone(),
            torch.full((len(codes),), math.inf, device=codes.device),
            torch.zeros(len(codes), dtype=torch.int64, device=codes.device),
        )
        least, since = best.errors.clone(), best.steps.clone()
        moments = torch.zeros_like(codes), torch.zeros_like(codes)
        active = torch.arange(len(codes), device=codes.device)
        for step in range(self.steps):
            tried = codes[active].requires_grad_()
            losses, errors = self._compare(tried, faces[active], [x[active] for x in known])
            (slope,) = torch.autograd.grad(losses.sum(), tried)
            with torch.no_grad():
                better = losses < least[active] * (1 - _GAIN)
                won = active[better]
                least[won], best.errors[won] = losses[better], errors[better]
                best.codes[won], since[won] = tried[better], step
                codes[active] = tried - self._move(moments, active, slope, step)
                best.steps[active] = step + 1
                lasting = step - since[active] < self.patience
            over = int((~lasting).sum())
            advance(len(active) + over * (self.steps - step - 1))
            active = active[lasting]
            if not len(active):
                break
        return best

    def _move(
        self, moments: tuple[Tensor, Tensor], active: Tensor, slope: Tensor, step: int
    ) -> Tensor:
        """Adam's step (Kingma & Ba, ICLR 2015, algorithm 1) for the faces that are not done."""
        powers = slope, slope.square()
        for moment, beta, power in zip(moments, _BETAS, powers, strict=True):
            moment[active] = beta * moment[active] + (1 - beta) * power
        first, second = (
            m[active] / (1 - beta ** (step + 1)) for m, beta in zip(moments, _BETAS, strict=True)
        )
        return self.rate * ramp((step + 0.5) / self.steps) * first / (second.sqrt() + _EPSILON)

    def _compare(
        self, codes: Tensor, faces: Tensor, known: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the loss and the error of each face."""
        made = resized(self.generator(codes), faces.shape[-1])
        errors = ((made - faces) / 2).square().mean((1, 2, 3))
        losses = self.pixel * 4 * errors
        for x, y in zip(self._look(made), known, strict=True):
            losses = losses + self.perceptual * (x - y).square().sum(1).mean((1, 2))
        return losses, errors.detach()

    def _look(self, images: Tensor) -> Sequence[Tensor]:
        return self.features(images) if self.features is not None and self.perceptual else []


class Judged:
    """Features of a discriminator, by which faces are compared without any other network.

    As in LPIPS each position's features are brought to length 1, here without learned weights; the
    distance is the mean over levels.

    Args:
        judge: The discriminator; images are brought to its size.
    """

    def __init__(self, judge: Discriminator) -> None:
        self.judge = judge

    def __call__(self, images: Tensor) -> list[Tensor]:
        """Map images, (n, 3, h, h) in [-1, 1], to what is compared position by position."""
        seen = self.judge.features(resized(images, self.judge.size))
        return [normalize(x, dim=1, eps=1e-8) / math.sqrt(len(seen)) for x in seen]


def ramp(done: float) -> float:
    """Return the share of the highest learning rate after a share of the steps.

    >>> ramp(0.025), ramp(0.5), round(ramp(0.875), 3), ramp(1.0)
    (0.5, 1.0, 0.5, 0.0)
    """
    falling = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1 - done) / _FALL))
    return falling * min(1.0, done / _RISE)


def score(codes: Tensor, normal: Tensor) -> Tensor:
    """Return the distance of codes along the principal normal, (n,) or (n, latents) (Eq. 4)."""
    return codes @ normal


def push(codes: Tensor, normal: Tensor, gamma: float | Tensor) -> Tensor:
    """Move codes along the principal normal (Eq. 6)."""
    return codes + gamma * normal


def pull(codes: Tensor, mean: Tensor, gamma: float) -> Tensor:
    """Move codes towards the mean: not at all for 0, onto it for 1 (Eq. 9)."""
    return codes + gamma * (mean - codes)


def weight_of_w(error: Tensor, error_plus: Tensor) -> Tensor:
    """Return `a` of Eq. 11, the weight of the code of W, (n,).

    As printed: it is the inverse error in W+ over the sum of both inverse errors, so that the code
    of the larger error, usually that of W, has the larger weight.

    Args:
        error: Of the projection into W, (n,).
        error_plus: Of the projection into W+, (n,).
    """
    inverse, inverse_plus = 1 / error.clamp(min=_FLOOR), 1 / error_plus.clamp(min=_FLOOR)
    return inverse_plus / (inverse_plus + inverse)


def blend(codes: Tensor, codes_plus: Tensor, a: Tensor) -> Tensor:
    """Mix codes of W, (n, style), and W+, (n, latents, style), by weights (n,) (Eq. 10)."""
    share = a[:, None, None]
    return share * codes[:, None] + (1 - share) * codes_plus


def resized(images: Tensor, size: int) -> Tensor:
    """Bring square images to a size: the mean over whole areas where it divides the side.

    Bicubic interpolation otherwise, widened where the side shrinks.
    """
    side = images.shape[-1]
    if side == size:
        return images
    if side % size == 0:
        return avg_pool2d(images, side // size)
    return interpolate(images, size=(size, size), mode="bicubic", antialias=True)
