import pytest
import torch
from torch import Tensor

from facesr.methods._train.augment import AUGMENTATIONS, Augment, Change, augmentation
from facesr.methods._train.blur import _kernel, random_blur


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(6, 3, 16, 16, generator=generator(9))


def apply(augment: Augment, images: Tensor, seed: int = 0) -> Tensor:
    return augment.draw(len(images), generator(seed)).apply(images)


def test_nothing_is_changed_by_default(images: Tensor) -> None:
    assert torch.equal(apply(Augment(), images), images)


def test_the_same_seed_gives_the_same_changes(images: Tensor) -> None:
    strong = Augment(0.5, 0.2, 20, 0.3)
    assert torch.equal(apply(strong, images), apply(strong, images))
    assert not torch.equal(apply(strong, images), apply(strong, images, 1))


def test_parameters_do_not_come_from_torchs_own_generator(images: Tensor) -> None:
    before = torch.get_rng_state()
    apply(Augment(0.5, 0.2, 20, 0.3), images)
    assert torch.equal(before, torch.get_rng_state())


def test_half_the_images_are_mirrored() -> None:
    images = torch.rand(400, 1, 2, 2, generator=generator()).expand(400, 3, 2, 2)
    flipped = apply(Augment(flip=0.5), images)
    mirrored = (flipped == images.flip(3)).all((1, 2, 3))
    kept = (flipped == images).all((1, 2, 3))
    assert (mirrored | kept).all()
    assert 160 < mirrored.sum() < 240


def test_a_quarter_turn_is_exact(images: Tensor) -> None:
    turn = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]).expand(6, 2, 3)
    change = Change(torch.zeros(6, dtype=torch.bool), turn)
    assert torch.allclose(change.apply(images), images.rot90(1, (2, 3)), atol=1e-5)


def test_scale_and_rotation_stay_within_their_ranges() -> None:
    warp = Augment(scale=0.1, rotation=10).draw(500, generator()).warp
    assert warp is not None
    zoom = warp[:, 0, :2].norm(dim=1)
    angle = torch.atan2(warp[:, 1, 0], warp[:, 0, 0]).rad2deg()
    assert 1 / 1.1 <= zoom.min() < 0.93
    assert 1.08 < zoom.max() <= 1 / 0.9 + 1e-6
    assert 9 < angle.abs().max() <= 10


def test_a_larger_scale_enlarges_the_middle() -> None:
    square = torch.zeros(1, 3, 32, 32)
    square[:, :, 12:20, 12:20] = 1
    shrinking = torch.tensor([[[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]])
    larger = Change(torch.zeros(1, dtype=torch.bool), shrinking).apply(square)
    assert larger.sum() == pytest.approx(4 * square.sum().item(), rel=0.1)


def test_colour_keeps_grey_grey_and_the_range(images: Tensor) -> None:
    grey = images.mean(1, keepdim=True).expand_as(images)
    changed = apply(Augment(colour=0.5), grey)
    assert torch.allclose(changed[:, 0], changed[:, 1], atol=1e-5)
    assert not torch.allclose(changed, grey, atol=0.05)
    assert changed.min() >= 0
    assert changed.max() <= 1


def test_brightness_multiplies(images: Tensor) -> None:
    colour = torch.tensor([[0.5], [1.0], [1.0]]).expand(3, 6)
    changed = Change(torch.zeros(6, dtype=torch.bool), colour=colour).apply(images)
    assert torch.allclose(changed, images / 2, atol=1e-6)


def test_each_image_is_changed_in_its_own_way(images: Tensor) -> None:
    same = images[:1].expand(6, -1, -1, -1)
    changed = apply(Augment(scale=0.2, rotation=20, colour=0.2), same)
    assert not torch.allclose(changed[0], changed[1], atol=0.01)


@pytest.mark.parametrize("size", range(2, 7))
def test_a_blur_kernel_has_its_size_and_sums_to_one(size: int) -> None:
    kernel = _kernel(size)
    assert int((kernel > 0).sum()) == size
    assert kernel.sum() == pytest.approx(1)


def test_blur_keeps_flat_images_and_smooths_others(images: Tensor) -> None:
    flat = torch.full((2, 3, 16, 16), 0.3)
    assert torch.allclose(random_blur(flat, generator()), flat, atol=1e-6)
    blurred = random_blur(images, generator())
    assert blurred.shape == images.shape
    assert (blurred.var((1, 2, 3)) < 0.6 * images.var((1, 2, 3))).all()


def test_blur_sizes_differ_within_a_batch(images: Tensor) -> None:
    same = images[:1].expand(12, -1, -1, -1)
    spread = random_blur(same, generator()).var((1, 2, 3))
    assert len({round(v, 6) for v in spread.tolist()}) >= 3


def test_augmentations_by_name_never_resample_low_resolution_faces() -> None:
    kinds = {name: augmentation(name) for name in AUGMENTATIONS}
    assert kinds["none"] == {}
    assert {a.flip for a in kinds["flip"].values()} == {0.5}
    full = kinds["full"]["hr"]
    assert min(full.flip, full.scale, full.rotation, full.colour) > 0
    assert kinds["full"]["lr"].scale == kinds["full"]["lr"].rotation == 0
