from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import normalize

from facesr.bench.contract import Split
from facesr.bench.errors import BadData
from facesr.methods._train.augment import augmentation
from facesr.methods._train.identity import (
    CENTRE_WEIGHT,
    Classifier,
    LabelledFeed,
    centre_loss,
    moved_centres,
    require_identities,
)

MakeSplit = Callable[..., Split]
CPU = torch.device("cpu")
WHO = ("zoe", "amy", "zoe", "bob", "amy", "zoe", "amy")


@pytest.fixture
def named(make_split: MakeSplit) -> Split:
    data = make_split(hr=len(WHO))
    return replace(data, hr=replace(data.hr, identities=WHO))


def test_centre_loss_is_half_the_mean_squared_distance_to_the_own_centre() -> None:
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]])
    centres = torch.tensor([[1.0, 0.0], [0.0, 4.0]])
    labels = torch.tensor([0, 1, 0])
    expected = ((0 + 4) + (9 + 0) + (1 + 0)) / 3 / 2
    assert centre_loss(features, labels, centres).item() == pytest.approx(expected)
    assert centre_loss(centres[labels], labels, centres) == 0


def test_centres_move_as_equation_4_says_and_those_of_others_stay() -> None:
    features = torch.tensor([[2.0], [4.0], [7.0]])
    labels = torch.tensor([1, 1, 2])
    centres = torch.tensor([[5.0], [0.0], [1.0], [9.0]])
    moved = moved_centres(features, labels, centres, 0.5)
    # person 1: (0 - 2 + 0 - 4) / (1 + 2) = -2; person 2: (1 - 7) / (1 + 1) = -3
    assert torch.allclose(moved, torch.tensor([[5.0], [1.0], [2.5], [9.0]]))


def test_gradients_reach_features_but_no_centre() -> None:
    features = torch.randn(3, 2, requires_grad=True)
    centres = torch.randn(2, 2)
    labels = torch.tensor([0, 1, 1])
    centre_loss(features, labels, centres).backward()
    assert features.grad is not None
    assert torch.allclose(features.grad, (features.detach() - centres[labels]) / 3)


def test_a_classifier_weighs_the_centre_loss_and_moves_its_centres() -> None:
    classifier = Classifier(4, 3)
    features, labels = torch.randn(5, 4), torch.tensor([0, 1, 2, 1, 0])
    terms = classifier.losses(features, labels)
    assert set(terms) == {"softmax", "centre"}
    assert terms["centre"].item() == pytest.approx(
        CENTRE_WEIGHT * features.square().sum(1).mean().item() / 2
    )
    assert not torch.equal(classifier.centres, torch.zeros(3, 4))
    assert "centres" in classifier.state_dict()


def test_the_centre_loss_draws_the_faces_of_one_person_together() -> None:
    def spread(weight: float) -> float:
        torch.manual_seed(0)
        labels = torch.arange(4).repeat_interleave(8)
        features = torch.randn(32, 6, requires_grad=True)
        classifier = Classifier(6, 4)
        adam = torch.optim.Adam([features, *classifier.parameters()], 0.05)
        for _ in range(150):
            terms = classifier.losses(features, labels)
            adam.zero_grad()
            (terms["softmax"] + weight * terms["centre"]).backward()
            adam.step()
        people = normalize(features.detach(), dim=1).view(4, 8, 6)
        return people.std(1).mean().item()

    assert spread(100.0) < 0.5 * spread(0.0)


def test_labels_belong_to_the_faces_they_come_with(named: Split) -> None:
    feed = LabelledFeed(named, 0, CPU)
    pixels = named.hr.pixels().float() / 255 * 2 - 1
    numbers = {"amy": 0, "bob": 1, "zoe": 2}
    assert feed.people == 3
    for _ in range(4):  # also over the ends of epochs
        images, labels = feed.labelled(5)
        for image, label in zip(images, labels, strict=True):
            at = next(i for i, face in enumerate(pixels) if torch.allclose(face, image))
            assert numbers[WHO[at]] == label


def test_labelled_batches_are_those_of_a_plain_feed(named: Split) -> None:
    one, other = (LabelledFeed(named, 0, CPU, augment=augmentation("full")) for _ in range(2))
    assert torch.equal(one.labelled(5)[0], other.hr(5))
    assert one.state() == other.state()


def test_faces_without_names_make_a_feed_without_people(make_split: MakeSplit) -> None:
    feed = LabelledFeed(make_split(), 0, CPU)
    assert feed.people == 0
    assert feed.hr(3).shape == (3, 3, 64, 64)


@pytest.mark.parametrize(
    ("who", "message"),
    [
        (None, "hr64 does not say who is shown; give it a data set that names people"),
        (("amy",) * 7, "hr64 shows only 'amy'; give it .* or set m.x=none"),
    ],
)
def test_a_recogniser_needs_two_named_people(
    make_split: MakeSplit, tmp_path: Path, who: tuple[str, ...] | None, message: str
) -> None:
    faces = replace(make_split().hr, identities=who)
    with pytest.raises(BadData, match=message):
        require_identities(faces, "m", "set m.x=none")


def test_two_named_people_are_enough(named: Split) -> None:
    require_identities(named.hr, "m", "set m.x=none")
