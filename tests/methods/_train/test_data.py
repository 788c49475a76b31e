import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn.functional import interpolate

from facesr.bench.contract import Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces, write_images
from facesr.methods._train.augment import Augment
from facesr.methods._train.data import Dice, Feed, Order, derived_seed

MakeSplit = Callable[..., Split]
CPU = torch.device("cpu")
STRONG = {side: Augment(0.5, 0.2, 20, 0.3) for side in ("lr", "hr")}


def feed(data: Split, seed: int = 0, **options: object) -> Feed:
    return Feed(data, seed, CPU, augment=STRONG, **options)  # type: ignore[arg-type]


def test_every_face_comes_once_per_epoch_and_in_a_new_order() -> None:
    order = Order(7, seed=3)
    epochs = [order.take(7).tolist() for _ in range(3)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_a_batch_reaches_over_the_end_of_an_epoch() -> None:
    order, whole = Order(7, 3), Order(7, 3)
    parts = torch.cat([order.take(5) for _ in range(7)])
    assert parts.tolist() == torch.cat([whole.take(7) for _ in range(5)]).tolist()
    assert Counter(parts.tolist()) == Counter({i: 5 for i in range(7)})


def test_a_batch_may_be_larger_than_the_set() -> None:
    assert Counter(Order(3, 0).take(9).tolist()) == {0: 3, 1: 3, 2: 3}


def test_low_and_high_resolution_cycle_independently(make_split: MakeSplit) -> None:
    data = make_split(lr=5, hr=7)
    plain = Feed(data, 0, CPU, signed=False)
    low = torch.cat([plain.lr(1) for _ in range(10)])
    plain_again = Feed(data, 0, CPU, signed=False)
    mixed = []
    for _ in range(10):
        plain_again.hr(3)
        mixed.append(plain_again.lr(1))
    assert torch.equal(low, torch.cat(mixed))
    seen = Counter(image.sum().item() for image in low)
    assert len(seen) == 5
    assert set(seen.values()) == {2}


def test_batches_have_the_range_that_was_asked_for(make_split: MakeSplit) -> None:
    data = make_split()
    pixels = data.hr.pixels().float() / 255
    unit = Feed(data, 0, CPU, signed=False).hr(7)
    signed = Feed(data, 0, CPU).hr(7)
    assert sorted(unit.sum((1, 2, 3)).tolist()) == sorted(pixels.sum((1, 2, 3)).tolist())
    assert torch.equal(signed, unit * 2 - 1)
    assert signed.min() < -0.5


def test_streamed_batches_equal_resident_ones(make_split: MakeSplit) -> None:
    data = make_split(lr=5, hr=7)
    resident, streamed = feed(data), feed(data, resident_bytes=0)
    for n in (2, 3, 3, 3, 8, 1, 3):
        assert torch.equal(resident.lr(n), streamed.lr(n))
        assert torch.equal(resident.hr(n), streamed.hr(n))


def test_only_sets_that_fit_are_kept(make_split: MakeSplit) -> None:
    data = make_split(lr=5, hr=7)
    half = feed(data, resident_bytes=3 * 64 * 64 * 7 - 1)
    assert [type(half._sources[s]).__name__ for s in ("lr", "hr")] == ["_Resident", "_Streamed"]


def test_a_feed_goes_on_from_a_state(make_split: MakeSplit) -> None:
    data = make_split()
    first = feed(data)
    first.lr(3)
    first.hr(4)
    second = feed(data)
    second.restore(first.state())
    assert torch.equal(first.lr(6), second.lr(6))
    assert torch.equal(first.hr(5), second.hr(5))


def test_two_seeds_give_two_orders_and_one_seed_one(make_split: MakeSplit) -> None:
    data = make_split(hr=40)
    one, same, other = feed(data, 1).hr(8), feed(data, 1).hr(8), feed(data, 2).hr(8)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_pairs_are_changed_alike(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    hr = interpolate(torch.rand(6, 3, 4, 4, generator=generator), size=64, mode="bicubic")
    hr = hr.clamp(0, 1)
    names = tuple(f"{i}.png" for i in range(6))
    write_images(hr, names, tmp_path / "hr")
    write_images(interpolate(hr, size=16, mode="area"), names, tmp_path / "lr")
    data = Split(Faces(tmp_path / "lr", names, 16), Faces(tmp_path / "hr", names, 64), paired=True)
    lr, high = feed(data).pairs(6)
    inner = (slice(None), slice(None), slice(4, 12), slice(4, 12))
    gap = (interpolate(high, size=16, mode="area") - lr)[inner].abs().mean()
    turned = (interpolate(high, size=16, mode="area").roll(1, 0) - lr)[inner].abs().mean()
    assert gap < 0.02 < 0.2 < turned


def test_pairs_of_an_unpaired_split_are_refused(make_split: MakeSplit) -> None:
    with pytest.raises(BadData, match="unrelated"):
        feed(make_split()).pairs(2)


def test_an_empty_half_is_refused_with_its_name(make_split: MakeSplit) -> None:
    data = make_split()
    with pytest.raises(BadData, match="no low-resolution faces"):
        feed(Split(data.lr.take([]), data.hr))


def test_the_batch_expected_next_is_decoded_ahead(
    make_split: MakeSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = make_split(hr=7)
    streamed = feed(data, resident_bytes=0)
    streamed.hr(2)
    source = streamed._sources["hr"]
    time.sleep(0.2)
    monkeypatch.setattr(Faces, "take", lambda *_: pytest.fail("decoded a second time"))
    with pytest.raises(pytest.fail.Exception):
        source._faces.take([0])  # type: ignore[union-attr]
    monkeypatch.setattr(source._worker, "submit", lambda *_: None)  # type: ignore[union-attr]
    assert streamed.hr(2).shape == (2, 3, 64, 64)


def test_each_draw_has_its_own_generator() -> None:
    dice = Dice(5)
    first, second = (torch.rand(2, generator=dice.generator("a")) for _ in range(2))
    other = torch.rand(2, generator=dice.generator("b"))
    assert not torch.equal(first, second)
    assert not torch.equal(first, other)
    again = Dice(5)
    again.counts = {"a": 1}
    assert torch.equal(second, torch.rand(2, generator=again.generator("a")))


def test_seeds_of_two_purposes_differ() -> None:
    made = {derived_seed(seed, what) for seed in range(20) for what in ("order", "noise")}
    assert len(made) == 40
    assert all(0 <= seed < 2**63 for seed in made)
