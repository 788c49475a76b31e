from collections.abc import Callable
from pathlib import Path

import pytest

from facesr.bench import choices
from facesr.bench.errors import BadName

Add = Callable[[str, str, str], None]


def test_settings_in_brackets_become_the_label(toys: Add) -> None:
    first, second = choices.choose("methods", "tint[steps=4],repeat")
    assert (first.name, first.label) == ("tint", "tint[steps=4]")
    assert first.settings == {"steps": "4"}
    assert second.label == "repeat"
    assert choices.choose("methods", "repeat[gain=2,seed=1]")[0].label == "repeat[gain=2,seed=1]"


def test_a_path_behind_a_colon_is_labelled_by_its_last_part(tmp_path: Path) -> None:
    assert choices.parse("datasets", f"folder:{tmp_path / 'mine'}").label == "folder:mine"


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
        choices.choose("methods", text)


def test_metrics_are_read_as_their_columns_are_called() -> None:
    names = "kd[onet],fd[onet],niqe[fit],detection[hog],psnr[channel=y]"
    chosen = choices.choose("metrics", names)
    assert [choice.name for choice in chosen] == ["kd", "fd", "niqe_fit", "detection", "psnr"]
    assert chosen[0].settings == {"features": "onet"}


def test_set_is_read_as_method_setting_value(toys: Add) -> None:
    assert choices.parse_settings(["tint.steps=4", "tint.seed=2"]) == {
        "tint": {"steps": "4", "seed": "2"}
    }
    for text, sentence in [
        ("tint", "write method.setting=value"),
        ("tnit.steps=1", "did you mean 'tint'"),
        ("tint.stesp=1", "did you mean 'steps'"),
    ]:
        with pytest.raises(BadName, match=sentence):
            choices.parse_settings([text])
