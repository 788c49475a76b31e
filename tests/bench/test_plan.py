from collections.abc import Callable
from pathlib import Path

import pytest

from facesr.bench import plan
from facesr.bench.errors import BadName, BenchError

Add = Callable[[str, str, str], None]


def test_settings_in_brackets_become_the_label(toys: Add) -> None:
    first, second = plan.choose("methods", "tint[steps=4],repeat")
    assert (first.name, first.label, dict(first.settings)) == (
        "tint",
        "tint[steps=4]",
        {"steps": "4"},
    )
    assert second.label == "repeat"
    assert plan.choose("methods", "repeat[gain=2,seed=1]")[0].label == "repeat[gain=2,seed=1]"


def test_a_path_behind_a_colon_is_labelled_by_its_last_part(tmp_path: Path) -> None:
    assert plan.parse("datasets", f"folder:{tmp_path / 'mine'}").label == "folder:mine"


def test_text_becomes_the_type_of_the_field(toys: Add) -> None:
    choice = plan.parse("methods", "tint")
    method = plan.build_method(choice, "paper", {"steps": "7"}, 4, 3)
    assert plan.settings_of(method) == {"scale": 4, "seed": 3, "steps": 7}


def test_the_hand_beats_the_budget_and_the_budget_beats_the_default(toys: Add) -> None:
    choice = plan.parse("methods", "tint")
    steps = [
        plan.settings_of(plan.build_method(choice, budget, given, 4, 0))["steps"]
        for budget, given in (("paper", {}), ("smoke", {}), ("smoke", {"steps": 9}))
    ]
    assert steps == [3, 2, 9]


def test_the_same_seed_draws_the_same_weights(toys: Add) -> None:
    choice = plan.parse("methods", "tint")
    one, two, other = (
        plan.build_method(choice, "smoke", {}, 4, seed).net.state_dict()["weight"]
        for seed in (0, 0, 1)
    )
    assert bool((one == two).all())
    assert not bool((one == other).all())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("repeat[gain", "cannot read"),
        ("repeat[gain]", "write setting=value"),
        ("", "no methods named"),
        ("repeat,repeat", "named twice"),
        ("repeta", "did you mean 'repeat'"),
        ("repeat[scale=2]", "protocol decides"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(toys: Add, text: str, sentence: str) -> None:
    with pytest.raises(BadName, match=sentence):
        plan.choose("methods", text)


def test_set_is_read_as_method_setting_value(toys: Add) -> None:
    assert plan.parse_settings(["tint.steps=4", "tint.seed=2"]) == {
        "tint": {"steps": "4", "seed": "2"}
    }
    for text, sentence in [
        ("tint", "write method.setting=value"),
        ("tnit.steps=1", "did you mean 'tint'"),
        ("tint.stesp=1", "did you mean 'steps'"),
    ]:
        with pytest.raises(BadName, match=sentence):
            plan.parse_settings([text])


def test_a_class_that_keeps_no_contract_is_named(toys: Add) -> None:
    toys(
        "methods",
        "bare",
        '"""Bare."""\nfrom facesr.bench.contract import Method\n'
        "class Bare(Method):\n    def upscale(self, lr):\n        return lr\n",
    )
    with pytest.raises(BadName, match="not a dataclass"):
        plan.build_method(plan.parse("methods", "bare"), "smoke", {}, 4, 0)
    toys("methods", "odd", '"""Odd."""\nclass Odd(dict):\n    pass\n')
    with pytest.raises(BadName, match="does not derive from"):
        plan.build_method(plan.parse("methods", "odd"), "smoke", {}, 4, 0)


def test_the_default_data_sets_are_those_on_the_disk(tmp_path: Path) -> None:
    assert [c.label for c in plan.default_datasets(None)] == ["embedded", "embedded[test=real]"]
    with pytest.raises(BenchError, match="is not a folder"):
        plan.default_datasets(tmp_path / "none")
    with pytest.raises(BenchError, match="none of the known data sets"):
        plan.default_datasets(tmp_path)
