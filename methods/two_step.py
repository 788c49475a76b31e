"""Two steps: learn to restore degraded faces, then interpolate between codes of a StyleGAN.

Paper: Cheikh Sidiya, Li, "Toward extreme face super-resolution in the wild: A self-supervised
learning approach", Frontiers in Computer Science 2022, https://doi.org/10.3389/fcomp.2022.1037435
No code and no weights were published.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from facesr.bench.contract import About, Method, Split
from facesr.bench.errors import BadData, BenchError
from facesr.methods._nets.blocks import channels
from facesr.methods._nets.lpips import Lpips, absent
from facesr.methods._nets.stylegan2 import MAPPING, STYLE, Generator, channels_of
from facesr.methods._nets.stylegan2_discriminator import Discriminator
from facesr.methods._nets.stylegan2_file import generator_like, read_discriminator, read_generator
from facesr.methods._nets.two_step import LowToHigh, Whole
from facesr.methods._nets.weights import fit, read_state
from facesr.methods._projection import Features, Judged, Projector, resized
from facesr.methods._train.data import derived_seed
from facesr.methods._train.settings import (
    require_known,
    require_no_negative,
    require_positive,
    require_scale,
    require_share,
    require_sizes,
)
from facesr.methods._two_step_codes import restore
from facesr.methods._two_step_training import fit_both

SCALES = (4, 8, 16, 32, 64)
FACTOR = 8  # the most that the first step enlarges by
SIZES = tuple(4 << k for k in range(1, 9))  # of generators, in pixels
TRAININGS = ("unsupervised", "supervised")
OUTPUTS = ("final", "mid_resolution")
COMPARISONS = ("discriminator", "lpips", "pixels")


@dataclass
class TwoStep(Method):
    """A closed loop to 8 times the side, then codes of a StyleGAN2 for the rest of the way.

    The first step enlarges by `scale`, by 8 at most; the second makes faces of `scale` times the
    low-resolution side. At a factor of 8 or less both have one size, and the second step only
    replaces what is not face-like. A picture is brought to another size by the mean over whole
    areas if it becomes smaller, by bicubic interpolation if it becomes larger.

    The paper projects with an official StyleGAN2 of 1,024 pixels. Without such a file one is
    trained on the high-resolution faces: half the official channels from 64 pixels on, as in
    StyleGAN2's configuration E.

    Published: 90 s for a projection, 4 minutes in all.

    Args:
        training: `unsupervised`, or `supervised` for faces made small by interpolation only.
        output: `final`, or `mid_resolution` for what the first step makes.
        prior: Whether codes are moved towards the mean (Eq. 9, Table 1).
        width: Factor of the channels of the first step.
        d_width: The same for its discriminators, which cost little by their strides; None for
            `width`.
        supervised_steps: Updates on pairs, before the closed loop.
        degradation_steps: Updates of High-to-Low alone, between both; the paper has none. What it
            makes at first would undo what Low-to-High has learned.
        unsupervised_steps: Updates in the closed loop; inferred: each half of the paper's 143,000.
        batch: Faces per update.
        learning_rate: Of Adam with betas (0.9, 0.999).
        d_learning_rate: The same for the discriminators; the paper has one rate for all.
        alpha: Weight of the pixel losses, Eq. 1.
        beta: Weight of the GAN losses, Eq. 1.
        noise: Length of High-to-Low's noise; inferred.
        ema: Decay of a moving average of Low-to-High that is used instead of it; the paper has
            none.
        mixed: Whether the first step trains in bfloat16; None for where that is fast, on CUDA
            devices. Generators are trained in float32.
        generator: A StyleGAN2 file; empty to train a generator.
        generator_width: Factor of the channels of a generator that is trained.
        generator_steps: Its updates, as in the training code whose files are read.
        generator_batch: Faces per update of it.
        projection_steps: Most steps of each search for codes; inferred, as in StyleGAN2.
        projection_rate: Highest learning rate of the search; inferred likewise.
        patience: Steps without progress after which a search ends; inferred.
        compare: What the search compares besides `pixels` (Eq. 7): features of the generator's
            `discriminator`, which needs no download, or `lpips`, the paper's example.
        pixel: Weight of the pixels in it; inferred, as in Image2StyleGAN.
        perceptual: Weight of the features in it; inferred likewise.
        codes: Faces of each class of which the principal normal is learned; inferred.
        svm_c: Weight of the slack of the linear SVM; inferred, as in InterFaceGAN.
        push: Gamma of Eq. 6, as a share of the distance between both classes; inferred.
        pull: Gamma of Eq. 9, for codes of W; inferred.
        pull_plus: Gamma of Eq. 9, for codes of W+; inferred.
        failed: Mean squared error of the projection into W+, for pixels of [0, 1], above which a
            face is counted as one that did not converge; its best code is used all the same.
        at_once: Faces that are projected together.
    """

    about = About(
        "Two-step",
        paper="Cheikh Sidiya, Li: Toward extreme face super-resolution in the wild: A "
        "self-supervised learning approach. Frontiers in Computer Science 2022",
        year=2022,
        url="https://doi.org/10.3389/fcomp.2022.1037435",
        family="prior",
        scales=(4, 8, 16, 32, 64),
    )
    budgets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {},
        "short": {
            "supervised_steps": 700,
            "degradation_steps": 2000,
            "unsupervised_steps": 1000,
            "width": 0.5,
            "learning_rate": 5e-4,
            "d_learning_rate": 1e-4,
            "beta": 0.003,
            "ema": 0.999,
            "generator_steps": 3000,
            "generator_width": 0.25,
            "generator_batch": 16,
            "projection_steps": 200,
            "codes": 128,
            "at_once": 32,
        },
        "smoke": {
            "supervised_steps": 20,
            "unsupervised_steps": 8,
            "width": 0.125,
            "batch": 8,
            "generator_steps": 24,
            "generator_width": 0.03125,
            "generator_batch": 8,
            "compare": "pixels",
            "projection_steps": 3,
            "codes": 16,
            "at_once": 32,
        },
    }

    training: Literal["unsupervised", "supervised"] = "unsupervised"
    output: Literal["final", "mid_resolution"] = "final"
    prior: bool = True
    width: float = 1.0
    d_width: float | None = None
    supervised_steps: int = 71_500
    degradation_steps: int = 0
    unsupervised_steps: int = 71_500
    batch: int = 32
    learning_rate: float = 1e-3
    d_learning_rate: float = 1e-3
    alpha: float = 1.0
    beta: float = 0.001
    noise: int = 64
    ema: float = 0.0
    mixed: bool | None = None
    generator: str = ""
    generator_width: float = 1.0
    generator_steps: int = 800_000
    generator_batch: int = 32
    projection_steps: int = 1000
    projection_rate: float = 0.1
    patience: int = 100
    compare: Literal["discriminator", "lpips", "pixels"] = "discriminator"
    pixel: float = 1.0
    perceptual: float = 1.0
    codes: int = 500
    svm_c: float = 1.0
    push: float = 0.5
    pull: float = 0.2
    pull_plus: float = 0.2
    failed: float = 0.02
    at_once: int = 8

    def __post_init__(self) -> None:
        self._check()
        self.factor = min(self.scale, FACTOR)
        self._lpips: Lpips | None = None
        self.net = Whole(LowToHigh(self.factor, self.width))
        if self.output == "final":
            self._adopt(*(self._given() if self.generator else self._fresh(16 * self.scale)))

    def train(self, data: Split, out: Path) -> None:
        """See `Method.train`; `normal.json` says how well the principal normal separates."""
        require_sizes(self, data, multiple=4 * self.scale, least=8)
        torch.manual_seed(derived_seed(self.seed, "two_step"))
        net, size = self.whole, data.hr.size
        if net.generator is not None and self.generator:
            self._require_size(net.generator.size, size)
        elif net.generator is not None and net.generator.size != size:
            self._adopt(*self._fresh(size))
        fit_both(self, self.whole, data, out)  # pyright: ignore[reportArgumentType]

    def upscale(self, lr: Tensor) -> Tensor:
        """See `Method.upscale`; faces whose projection fails are counted in `remarks`."""
        net, size = self.whole, lr.shape[-1] * self.scale
        images: Tensor = net(lr * 2 - 1)
        if net.generator is not None:
            images = resized(images, min(images.shape[-1], net.generator.size))
            gammas = (self.pull, self.pull_plus) if self.prior else (0.0, 0.0)
            edited = restore(images, net, self.projector(), self.push, *gammas)
            if worse := int((edited.errors_plus > self.failed).sum()):
                self.remarks["faces did not converge"] += worse
            parts = [net.generator(codes) for codes in edited.codes.split(self.at_once)]
            images = torch.cat(parts)
        return ((resized(images, size) + 1) / 2).clamp(0, 1)

    def load(self, weights: Path) -> None:
        """Read what the harness saved; the first step alone is taken from either output.

        Raises:
            BenchError: If the weights belong to other settings.
        """
        state, net = read_state(weights), self.whole
        wanted = f"two_step with scale {self.scale}, width {self.width} and output {self.output!r}"
        if net.generator is None:
            state = {k: v for k, v in state.items() if k.startswith("low_to_high.")}
        elif "generator.input.input" not in state:
            raise BenchError(f"{weights} holds no generator, which {wanted} needs; train it again")
        else:
            prefix = "generator."
            inner = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            generator = generator_like(inner, weights)
            judged = any(k.startswith("judge.") for k in state)
            self._adopt(generator, Discriminator(generator.widths) if judged else None)
        fit(self.net, state, weights, wanted)

    @property
    def whole(self) -> Whole:
        """`net`, as what it is."""
        assert isinstance(self.net, Whole)
        return self.net

    def projector(self) -> Projector:
        """Return what searches codes."""
        net = self.whole.requires_grad_(False)  # codes alone are searched
        assert net.generator is not None
        return Projector(
            net.generator,
            self._features(net),
            steps=self.projection_steps,
            rate=self.projection_rate,
            patience=self.patience,
            pixel=self.pixel,
            perceptual=self.perceptual,
            batch=self.at_once,
        )

    def _features(self, net: Whole) -> Features | None:
        if self.compare == "lpips":
            if self._lpips is None:
                self._lpips = Lpips()
            return self._lpips.to(self.device)
        return Judged(net.judge) if self.compare == "discriminator" and net.judge else None

    def _adopt(self, generator: Generator, judge: Discriminator | None) -> None:
        """Take a generator into `net`; the first step stays."""
        net = Whole(self.whole.low_to_high, generator, judge)
        self.net = net.to(self.device)

    def _fresh(self, size: int) -> tuple[Generator, Discriminator | None]:
        if size not in SIZES:
            known = ", ".join(map(str, SIZES))
            raise BadData(f"two_step was given faces of {size} px, expected one of {known}")
        widths = channels_of(size, 1, self.generator_width)
        generator = Generator(widths, channels(STYLE, self.generator_width), MAPPING)
        return generator, Discriminator(widths)

    def _given(self) -> tuple[Generator, Discriminator | None]:
        path = Path(self.generator).expanduser()
        generator = read_generator(path, self.seed)
        if self.compare != "discriminator":
            return generator, None
        judge = read_discriminator(path, generator)
        if judge is None:
            raise BenchError(
                f"{path} holds no discriminator (entry `d`), whose features compare faces; set "
                "two_step.compare=pixels, or give a file that has it"
            )
        return generator, judge

    def _require_size(self, made: int, wanted: int) -> None:
        if made < wanted or made % wanted:
            raise BenchError(
                f"{self.generator} makes faces of {made} px, this run needs {wanted} px or a "
                "multiple; give another generator, or leave two_step.generator empty to train one"
            )

    def _check(self) -> None:
        require_scale(self, *SCALES)
        require_known(self, training=TRAININGS, output=OUTPUTS, compare=COMPARISONS)
        require_positive(self, "width", "d_width", "batch", "noise")
        require_positive(self, "learning_rate", "d_learning_rate")
        require_positive(self, "generator_width", "generator_batch", "projection_rate", "patience")
        require_positive(self, "projection_steps", "pixel", "svm_c", "failed", "at_once", "codes")
        require_no_negative(self, "supervised_steps", "degradation_steps")
        require_no_negative(self, "unsupervised_steps", "generator_steps")
        require_no_negative(self, "alpha", "beta", "perceptual", "push")
        require_share(self, "ema")
        if self.compare == "lpips" and (sentence := absent()):
            raise BenchError(f"two_step.compare=lpips {sentence}")
        for name in ("pull", "pull_plus"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise BenchError(f"two_step.{name} is {value}, expected a number from 0 to 1")
