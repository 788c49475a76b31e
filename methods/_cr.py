"""How CR trains: three pre-trainings, then all of it together (Section 3.5)."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from facesr.methods._train.engine import Stage, Trainer
from facesr.methods._train.identity import Classifier, LabelledFeed
from facesr.methods._train.losses import log_discriminator, log_generator, pixel_l2
from facesr.methods._train.samples import bicubic

if TYPE_CHECKING:
    from facesr.methods.cr import CR

SCALE = 4
SHOWN = 8

Names = str | tuple[str, ...]
Update = tuple[Names, dict[str, Tensor]]


class Training:
    """The steps of all stages, for one run; each yields the updates it consists of, in order.

    An update is what is updated and the weighted terms of the loss. They are computed when asked
    for, so that generators learn from discriminators that have been updated before.

    Args:
        method: Whose settings hold.
        nets: `sr`, and by settings `cr`, `inverse` and their discriminators `d_cr` and
            `d_inverse`; `d_sr`; the recogniser `fr` and its `classifier`; `d_fr`, which judges
            features of `fr`, or images where there is none.
        feed: Where faces come from.
    """

    def __init__(self, method: "CR", nets: Mapping[str, nn.Module], feed: LabelledFeed) -> None:
        self.method = method
        self.nets = nets
        self.feed = feed

    def stages(self) -> Iterator[Stage]:
        """Yield the stages of the variant."""
        method = self.method
        yield Stage("super-resolution", method.steps, _each(self.super_resolution))
        if "classifier" in self.nets:
            yield Stage("recognition", method.embedder_steps, _each(self.recognition))
        if "cr" in self.nets:
            yield Stage("characteristics", method.cr_steps, _each(self.characteristics))
        if method.variant != "without_sr_ri":
            yield Stage("joint", method.joint_steps, _each(self.joint))

    def super_resolution(self) -> Iterator[Update]:
        """Learn to enlarge artificial low-resolution faces (Eq. 1 and the adversarial loss)."""
        hr = self.feed.hr(self.method.batch)
        sr = self.nets["sr"](shrink(hr))
        yield from self._judged("d_sr", hr, sr)
        yield "sr", self._sr_terms(hr, sr)

    def recognition(self) -> Iterator[Update]:
        """Learn to recognise faces (CentreFace, Section 3.4)."""
        hr, labels = self.feed.labelled(self.method.batch)
        classifier = self.nets["classifier"]
        assert isinstance(classifier, Classifier)
        yield ("fr", "classifier"), classifier.losses(self.nets["fr"](hr), labels)

    def characteristics(self) -> Iterator[Update]:
        """Learn what makes low-resolution faces genuine or artificial (Eqs. 3 to 6)."""
        artificial = shrink(self.feed.hr(self.method.batch))
        lr = self.feed.lr(self.method.batch)
        pseudo = self.nets["inverse"](artificial)
        yield from self._judged("d_inverse", lr, pseudo)
        yield "inverse", {"gan": log_generator(self.nets["d_inverse"](pseudo))}  # Eq. 5
        regulated, reconstructed = self._both("cr", lr, pseudo.detach())
        yield from self._judged("d_cr", artificial, regulated)
        yield "cr", self._cr_terms(artificial, regulated, reconstructed)

    def joint(self) -> Iterator[Update]:
        """Update regulariser and super-resolution network by the sum of all losses (Eq. 9)."""
        method, hr, lr = (
            self.method,
            self.feed.hr(self.method.batch),
            self.feed.lr(self.method.batch),
        )
        artificial, regulated = shrink(hr), lr
        terms: dict[str, Tensor] = {}
        if "cr" in self.nets:
            pseudo = frozen(self.nets["inverse"])(artificial)
            regulated, reconstructed = self._both("cr", lr, pseudo)
            yield from self._judged("d_cr", artificial, regulated)
            cr_terms = self._cr_terms(artificial, regulated, reconstructed)
            terms |= {name: method.lambda_cr * term for name, term in cr_terms.items()}
        restored, sr = self._both("sr", artificial, regulated)
        yield from self._judged("d_sr", hr, restored)
        terms |= self._sr_terms(hr, restored)
        if method.uses_unsupervised_loss:
            terms["cr_sr"] = method.lambda_cr_sr * pixel_l2(shrink(sr), regulated)  # Eq. 7
        if "d_fr" in self.nets:
            seen = self._seen(sr)
            yield from self._judged("d_fr", self._seen(hr), seen)
            terms["cr_gan"] = method.lambda_cr_gan * log_generator(self.nets["d_fr"](seen))  # Eq. 8
        yield ("cr", "sr") if "cr" in self.nets else "sr", terms

    def sample(self) -> list[Tensor]:
        """Show genuine faces restored and regulated; then real faces, artificial and restored.

        The last columns are, of an artificial face: as pseudo-genuine one, that one regulated,
        and the face restored as Section 4.3 does.
        """
        lr, hr = self.feed.fixed("lr", SHOWN), self.feed.fixed("hr", SHOWN)
        n = min(len(lr), len(hr))
        lr, hr = lr[:n], hr[:n]
        restore, artificial = self.nets["sr"], shrink(hr)
        if "cr" not in self.nets:
            return [lr, bicubic(lr, hr.shape[-1]), restore(lr), hr, artificial, restore(artificial)]
        regulated = self.nets["cr"](lr)
        pseudo = self.nets["inverse"](artificial)
        genuine = [lr, bicubic(lr, hr.shape[-1]), restore(regulated), regulated]
        return [*genuine, hr, artificial, pseudo, self.nets["cr"](pseudo), restore(artificial)]

    def _both(self, name: str, one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Pass two batches at once, so that both are normalised alike, as later in use."""
        first, second = self.nets[name](torch.cat([one, other])).chunk(2)
        return first, second

    def _judged(self, name: str, real: Tensor, fake: Tensor) -> Iterator[Update]:
        if name in self.nets:
            both = torch.cat([real, fake.detach().to(real.dtype)])
            yield name, {"gan": log_discriminator(*self.nets[name](both).chunk(2))}

    def _sr_terms(self, hr: Tensor, sr: Tensor) -> dict[str, Tensor]:
        terms = {"sr": pixel_l2(sr, hr)}  # Eq. 1
        if "d_sr" in self.nets:
            terms["sr_gan"] = self.method.lambda_sr_gan * log_generator(self.nets["d_sr"](sr))
        return terms

    def _cr_terms(
        self, artificial: Tensor, regulated: Tensor, reconstructed: Tensor
    ) -> dict[str, Tensor]:
        gan = log_generator(self.nets["d_cr"](regulated))
        return {"cr": pixel_l2(reconstructed, artificial), "gan": self.method.lambda_gan * gan}

    def _seen(self, faces: Tensor) -> Tensor:
        """Return what the semantic discriminator sees of faces."""
        return frozen(self.nets["fr"])(faces) if "fr" in self.nets else faces


def shrink(hr: Tensor) -> Tensor:
    """Bicubic down-sampling, as in Section 4.3; for `f_DS` of Eq. 7 it is inferred."""
    return interpolate(hr, scale_factor=1 / SCALE, mode="bicubic", antialias=True)


def frozen(net: nn.Module) -> nn.Module:
    """Take a network from learning: its statistics stay as they are too."""
    return net.eval().requires_grad_(False)


def _each(updates: Callable[[], Iterator[Update]]) -> Callable[[Trainer], None]:
    def step(trainer: Trainer) -> None:
        for names, terms in updates():
            trainer.minimise(names, **terms)

    return step
