from collections.abc import Callable
from pathlib import Path

import pytest

from facesr.bench import choices, plan
from facesr.bench.errors import BadName, BenchError

Add = Callable[[str, str, str], None]


def test_text_becomes_the_type_of_the_field(toys: Add) -> None:
    choice = choices.parse("methods", "tint")
    method = plan.build_method(choice, "paper", {"steps": "7"}, 4, 3)
    assert plan.settings_of(method) == {"scale": 4, "seed": 3, "steps": 7}


def test_the_hand_beats_the_budget_and_the_budget_beats_the_default(toys: Add) -> None:
    choice = choices.parse("methods", "tint")
    steps = [
        plan.settings_of(plan.build_method(choice, budget, given, 4, 0))["steps"]
        for budget, given in (("paper", {}), ("smoke", {}), ("smoke", {"steps": 9}))
    ]
    assert steps == [3, 2, 9]


def test_the_same_seed_draws_the_same_weights(toys: Add) -> None:
    choice = choices.parse("methods", "tint")
    one, two, other = (
        plan.build_method(choice, "smoke", {}, 4, seed).net.state_dict()["weight"]
        for seed in (0, 0, 1)
    )
    assert bool((one == two).all())
    assert not bool((one == other).all())


def test_a_class_that_keeps_no_contract_is_named(toys: Add) -> None:
    toys(
        "methods",
        "bare",
        '"""Bare."""\nfrom facesr.bench.contract import Method\n'
        "class Bare(Method):\n    def upscale(self, lr):\n        return lr\n",
    )
    with pytest.raises(BadName, match="not a dataclass"):
        plan.build_method(choices.parse("methods", "bare"), "smoke", {}, 4, 0)
    toys("methods", "odd", '"""Odd."""\nclass Odd(dict):\n    pass\n')
    with pytest.raises(BadName, match="does not derive from"):
        plan.build_method(choices.parse("methods", "odd"), "smoke", {}, 4, 0)


def test_the_default_data_sets_are_the_embedded_ones(tmp_path: Path) -> None:
    protocol = plan.build_protocol(choices.parse("protocols", "realworld"))
    labels = [c.label for c in plan.default_datasets(None, protocol)]
    assert labels == ["embedded", "embedded[test=real]"]
    with pytest.raises(BenchError, match="is not a folder"):
        plan.default_datasets(tmp_path / "none", protocol)
    with pytest.raises(BenchError, match=r"holds none of the data sets .*widerface: .*bench data"):
        plan.default_datasets(tmp_path, protocol)


def test_with_data_the_first_of_the_protocols_data_sets_that_is_there_is_taken(
    tmp_path: Path,
) -> None:
    protocol = plan.build_protocol(choices.parse("protocols", "realworld"))
    (tmp_path / "widerface/wider_face_split").mkdir(parents=True)
    (tmp_path / "widerface/WIDER_val/images").mkdir(parents=True)
    (tmp_path / "widerface/wider_face_split/wider_face_val_bbx_gt.txt").touch()
    assert [c.label for c in plan.default_datasets(tmp_path, protocol)] == ["widerface"]
