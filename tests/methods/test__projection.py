from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from facesr.methods import _projection
from facesr.methods._nets.stylegan2 import Generator, channels_of
from facesr.methods._nets.stylegan2_discriminator import Discriminator
from facesr.methods._projection import (
    Judged,
    Projector,
    blend,
    pull,
    push,
    resized,
    score,
    weight_of_w,
)

Make = Callable[..., Projector]


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(0)
    net = Generator(channels_of(16, width=1 / 64), style=8, mapping=2)
    return net.eval().requires_grad_(False)


@pytest.fixture
def make(generator: Generator) -> Make:
    """Make a searcher that compares pixels only, unless told otherwise."""

    def make(**settings: Any) -> Projector:
        usual: dict[str, Any] = {"features": None, "steps": 150, "rate": 0.1, "patience": 1000}
        usual |= {"pixel": 1.0, "perceptual": 1.0, "batch": 8}
        return Projector(generator, **(usual | settings))

    return make


def faces_of(generator: Generator, n: int) -> tuple[Tensor, Tensor]:
    z = torch.randn((n, 8), generator=torch.Generator().manual_seed(1))
    codes = generator.map(z)
    return codes, generator(codes).clamp(-1, 1)


def start(generator: Generator, n: int, plus: bool = False) -> Tensor:
    mean = generator.mean(1000).expand(n, -1)
    return mean[:, None].expand(-1, generator.latents, -1) if plus else mean


def test_faces_of_the_generator_are_found_again(make: Make, generator: Generator) -> None:
    codes = generator.map(torch.randn((4, 8), generator=torch.Generator().manual_seed(1)))
    faces, begin = generator(codes), start(generator, 4)
    away = ((generator(begin) - faces) / 2).square().mean((1, 2, 3))
    w = make(steps=400).project(faces, begin, "w")
    assert w.codes.shape == (4, 8)
    assert (w.errors < 0.002 * away).all()
    assert (w.errors < 1e-4).all()
    plus = make(steps=100).project(faces, w.codes[:, None].expand(-1, 6, -1), "w+")
    assert plus.codes.shape == (4, 6, 8)
    assert (plus.errors <= w.errors * 1.01).all()


def test_a_face_is_found_alike_with_any_neighbours(make: Make, generator: Generator) -> None:
    _, faces = faces_of(generator, 5)
    together = make(steps=40).project(faces, start(generator, 5), "all")
    alone = make(steps=40).project(faces[3:4], start(generator, 1), "one")
    parts = make(steps=40, batch=2).project(faces, start(generator, 5), "parts")
    assert torch.allclose(together.codes[3:4], alone.codes, atol=1e-3)
    assert torch.allclose(together.codes, parts.codes, atol=1e-3)
    again = make(steps=40).project(faces, start(generator, 5), "all")
    assert torch.equal(again.codes, together.codes)


def test_a_face_that_is_done_rests_while_others_go_on(make: Make, generator: Generator) -> None:
    codes, faces = faces_of(generator, 2)
    begin = torch.stack([codes[0], generator.mean(1000)])
    faces = torch.stack([generator(codes[:1])[0], faces[1]])
    found = make(patience=5).project(faces, begin, "two")
    assert found.steps.tolist()[0] == 6  # its first code is the best: five more without progress
    assert found.steps[1] > 6
    assert torch.equal(found.codes[0], codes[0])


def test_the_search_works_in_inference_mode_and_leaves_no_gradients(
    make: Make, generator: Generator
) -> None:
    _, faces = faces_of(generator, 1)
    with torch.inference_mode():
        found = make(steps=3).project(faces * 1, start(generator, 1), "quiet")
    assert not found.codes.requires_grad
    assert all(p.grad is None for p in generator.parameters())


def test_features_take_part_by_their_weight(make: Make, generator: Generator) -> None:
    torch.manual_seed(0)
    judge = Discriminator(channels_of(16, width=1 / 64)).requires_grad_(False)
    codes, faces = faces_of(generator, 3)

    def loss(**settings: Any) -> Tensor:
        searcher = make(features=Judged(judge), **settings)
        other = codes.flip(0)
        return searcher._compare(other, faces, searcher._look(faces))[0]

    pixels, both = loss(perceptual=0.0), loss()
    assert (both > pixels).all()
    assert torch.allclose(loss(perceptual=2.0) - pixels, 2 * (both - pixels), rtol=1e-4)
    searcher = make(features=Judged(judge))
    assert torch.allclose(
        searcher._compare(codes, generator(codes), searcher._look(generator(codes)))[0],
        torch.zeros(3),
        atol=1e-10,
    )


def test_small_faces_are_compared_at_their_own_size(make: Make, generator: Generator) -> None:
    codes, _ = faces_of(generator, 2)
    small = resized(generator(codes), 8)
    losses, errors = make()._compare(codes, small, [])
    assert torch.equal(losses, torch.zeros(2))
    assert torch.equal(errors, torch.zeros(2))


def test_errors_are_those_of_pixels_from_0_to_1(make: Make, generator: Generator) -> None:
    codes, _ = faces_of(generator, 1)
    losses, errors = make()._compare(codes, generator(codes) + 0.2, [])
    assert errors.item() == pytest.approx(0.01, rel=1e-4)
    assert losses.item() == pytest.approx(0.04, rel=1e-4)


def test_progress_counts_every_step_that_is_not_needed(
    make: Make, generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    class Shown:
        def __enter__(self) -> Callable[..., None]:
            return lambda n: counted.append(n)

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(_projection, "progress", lambda *_: Shown())
    _, faces = faces_of(generator, 3)
    make(steps=30, patience=2, rate=0.5, batch=2).project(faces, start(generator, 3), "x")
    assert sum(counted) == 3 * 30


def test_moving_along_the_normal_adds_as_much_to_the_score() -> None:
    normal = torch.nn.functional.normalize(torch.randn(16), dim=0)
    codes, plus = torch.randn(5, 16), torch.randn(5, 4, 16)
    for each in (codes, plus):
        moved = score(push(each, normal, 0.7), normal) - score(each, normal)
        assert torch.allclose(moved, torch.tensor(0.7), atol=1e-5)


def test_gamma_0_gives_the_code_and_gamma_1_the_mean() -> None:
    codes, mean = torch.randn(3, 4, 8), torch.randn(8)
    assert torch.equal(pull(codes, mean, 0.0), codes)
    assert torch.allclose(pull(codes, mean, 1.0), mean.expand_as(codes), atol=1e-6)
    assert torch.allclose(pull(codes, mean, 0.5), (codes + mean) / 2, atol=1e-6)


def test_the_weight_follows_equation_11_on_both_sides() -> None:
    error, plus = torch.tensor([0.03, 0.01, 0.02]), torch.tensor([0.01, 0.03, 0.02])
    assert torch.allclose(weight_of_w(error, plus), torch.tensor([0.75, 0.25, 0.5]))
    a = weight_of_w(torch.tensor([0.02, 1.0]), torch.tensor([0.0, 0.0]))  # a perfect fit in W+
    assert torch.allclose(a, torch.ones(2))
    assert weight_of_w(torch.zeros(1), torch.zeros(1)).item() == 0.5


def test_codes_are_mixed_by_their_weights() -> None:
    w, plus = torch.ones(2, 8), torch.zeros(2, 4, 8)
    mixed = blend(w, plus, torch.tensor([0.25, 1.0]))
    assert torch.equal(mixed, torch.tensor([0.25, 1.0])[:, None, None].expand(2, 4, 8))


def test_pictures_shrink_by_whole_areas_and_grow_bicubically() -> None:
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(resized(x, 8), x)
    assert torch.allclose(resized(x, 4)[0, 0, 0, 0], x[0, 0, :2, :2].mean())
    assert resized(x, 16).shape == (1, 3, 16, 16)
    assert resized(x, 5).shape == (1, 3, 5, 5)
    assert torch.allclose(resized(torch.ones(1, 3, 8, 8), 12), torch.ones(1, 3, 12, 12))
