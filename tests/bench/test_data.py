import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesr.bench import catalog, choices, plan
from facesr.bench.cards import card, cards
from facesr.bench.data import Finding, Prepared, choose, prepare, prepared, toy, verify
from facesr.bench.errors import BadData, BadName, BenchError

Add = Callable[[str, str, str], None]


@pytest.fixture
def data(wider: Path) -> Path:
    return wider


def made(data: Path, dataset: str = "widerface", *settings: str, **given: object) -> list[Prepared]:
    choice, measure = choose(dataset, settings)
    return list(prepare(choice, measure, source=data, **given))  # type: ignore[arg-type]


def test_both_parts_are_prepared_and_accounted_for(data: Path) -> None:
    train, test = made(data)
    assert (train.part, test.part) == ("train", "test")
    assert (train.dataset, train.paired, train.partial) == ("widerface", False, "")
    lr, hr = test.halves
    assert (lr.half, lr.faces, lr.size, hr.half, hr.faces, hr.size) == ("lr", 6, 16, "hr", 3, 64)
    assert lr.dropped == {"marked invalid by the authors": 3, "too large": 3}
    assert list(hr.dropped) == ["too small", "marked invalid by the authors"]
    assert lr.bytes == sum(path.stat().st_size for path in lr.folder.iterdir())


def test_a_run_finds_what_was_prepared(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    test = made(data)[1]

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("prepared twice")

    monkeypatch.setattr("facesr.datasets._half.fill", fail)
    ruler = plan.build_protocol(choices.parse("protocols", "realworld"))
    [choice] = choices.choose("datasets", "widerface")
    split = plan.build_dataset(choice, ruler, data, None).split("test")
    assert (split.lr.root, split.hr.root) == tuple(half.folder for half in test.halves)


def test_sizes_limits_parts_and_settings_are_taken(data: Path, tmp_path: Path) -> None:
    choice, measure = choose("widerface", ["blur=1"], "realworld", lr_size=12, scale=2)
    [train] = prepare(
        choice, measure, source=data, parts=["train"], limit=2, workers=1, cache=tmp_path / "else"
    )
    assert train.dataset == "widerface[blur=1]"
    assert [(half.faces, half.size) for half in train.halves] == [(2, 12), (2, 24)]
    assert all(half.folder.is_relative_to(tmp_path / "else") for half in train.halves)
    assert not (tmp_path / "cache/widerface").exists()


def test_a_setting_may_be_written_with_the_name_of_its_data_set() -> None:
    assert choose("widerface", ["widerface.blur=1"])[0].settings == {"blur": "1"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("widerfac",), "did you mean 'widerface'"),
        (("widerface", ["blurr=1"]), "did you mean 'blur'"),
        (("widerface", ["blur"]), "write setting=value"),
        (("widerface", ["scale=2"]), "the protocol decides it"),
        (("widerface", [], "realwolrd"), "did you mean 'realworld'"),
    ],
)
def test_what_does_not_exist_is_named(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadName, match=said):
        choose(*words)  # type: ignore[arg-type]


def test_an_absent_data_set_says_what_is_expected_where(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="does not hold WIDER FACE"):
        made(tmp_path)


def test_where_one_part_fails_the_other_is_prepared(data: Path) -> None:
    for photo in data.glob("widerface/WIDER_train/images/*/*.jpg"):
        photo.write_bytes(b"")
    parts = prepare(*choose("widerface"), source=data)
    assert next(parts).part == "test"
    with pytest.raises(BadData, match=r"no face was found .*unreadable photograph"):
        next(parts)


def test_a_cache_that_cannot_be_written_is_a_sentence(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BadData, match="cannot be made"):
        made(data, cache=tmp_path / "file" / "below")


def test_data_sets_of_plain_files_are_accounted_for_too(tmp_path: Path) -> None:
    for place, size in (("lr", 16), ("hr", 64)):
        for i in range(8):
            path = tmp_path / f"mine/{place}/{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((size, size, 3), i, np.uint8)).save(path)
    train, test = made(tmp_path, f"folder:{tmp_path / 'mine'}")
    assert train.halves[0].faces + test.halves[0].faces == 8
    assert train.halves[0].dropped == {}


def test_what_is_as_it_was_prepared_is_one_finding_per_half(data: Path) -> None:
    parts = made(data)
    found = list(verify("widerface", source=data))
    assert {f.folder for f in found} == {half.folder for part in parts for half in part.halves}
    assert {f.title for f in found} >= {"widerface/train/lr", "widerface/test/hr"}
    assert all(f.faces > 0 and not f.difference for f in found)


def test_differences_are_found_by_the_name_of_the_data_set_or_a_folder(
    data: Path, tmp_path: Path
) -> None:
    lr = made(data)[1].halves[0].folder
    (lr / "extra.txt").write_text("mine")
    wanted = Finding(lr, "widerface/test/lr", 6, "extra.txt does not belong here")
    for target in ("widerface", "widerface[blur=1]", str(tmp_path / "cache"), str(lr)):
        assert [f for f in verify(target) if f.difference] == [wanted]


def test_a_damaged_manifest_does_not_hide_a_folder(data: Path) -> None:
    lr = made(data)[1].halves[0].folder
    (lr / "manifest.json").write_text("{")
    said = {f.folder: f.difference for f in verify("widerface")}
    assert said[lr] == "manifest.json is damaged: it is no JSON object"


def test_a_folder_whose_data_set_is_unknown_is_a_difference(data: Path, tmp_path: Path) -> None:
    lr = made(data)[1].halves[0].folder
    moved = tmp_path / "moved"
    lr.rename(moved)
    assert not next(verify(str(moved))).difference
    (moved / "manifest.json").unlink()
    assert "cannot be told" in next(verify(str(moved))).difference


def test_a_deleted_photograph_is_found_in_the_source(data: Path) -> None:
    made(data)
    (data / "widerface/WIDER_val/images/0--Parade/val_1.jpg").unlink()
    assert not any(f.difference for f in verify("widerface"))
    said = [f.difference for f in verify("widerface", source=data) if f.difference]
    assert said
    assert all("val_1.jpg is missing" in sentence for sentence in said)


def test_embedded_faces_can_be_verified(data: Path) -> None:
    made(data, "embedded[identities=2]", limit=4, parts=["test"])
    assert all(not f.difference for f in verify("embedded"))


def test_verifying_nothing_is_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="nothing is prepared"):
        list(verify("widerface"))
    with pytest.raises(BadData, match="is not a folder"):
        list(verify(str(tmp_path / "nowhere")))
    with pytest.raises(BadData, match="is not a folder"):
        list(verify("widerface", source=tmp_path / "nowhere"))
    with pytest.raises(BadName, match="did you mean 'widerface'"):
        list(verify("widerfac"))


def test_half_made_folders_are_not_looked_at(data: Path, tmp_path: Path) -> None:
    lr = made(data)[1].halves[0].folder
    lr.rename(lr.with_name(".lr.part"))
    assert lr.with_name(".lr.part") not in list(prepared(tmp_path / "cache"))


def test_a_toy_can_be_prepared_as_the_data_set_it_mimics(tmp_path: Path) -> None:
    with pytest.raises(BadName, match="did you mean 'scgan'"):
        toy("scgann", tmp_path)
    [said] = toy("scgan", tmp_path / "toys", seed=3, people=3, shots=1)
    assert said.startswith("scgan: ")
    assert (tmp_path / "toys/scgan").is_dir() or list((tmp_path / "toys").iterdir())


def test_every_data_set_has_a_card() -> None:
    found = {one.name: one for one in cards()}
    assert sorted(found) == catalog.names("datasets")
    for one in found.values():
        assert one.title
        assert one.family in ("photographs", "recipe", "made"), one.name
        assert one.licence, f"{one.name} does not say its licence"
        assert all(setting.about for setting in one.settings), one.name
        assert not {"lr_size", "scale", "data"} & {setting.name for setting in one.settings}
        if one.family == "photographs":
            assert one.url.startswith("http"), one.name
            assert one.holds, one.name
            assert one.layout, one.name
            assert one.paper, one.name


def test_a_card_says_how_a_set_is_divided_and_what_can_be_set() -> None:
    widerface = card("widerface")
    assert widerface.divided.startswith("train: the authors' train; test: the authors' val")
    settings = {setting.name: setting for setting in widerface.settings}
    assert settings["blur"].default == 2
    assert settings["blur"].about.startswith("Heaviest blur")
    assert settings["seed"].about
    assert "seeded draws" in card("helen").divided or card("helen").divided


def test_withdrawn_sets_say_why() -> None:
    assert "2019" in card("lr_dukemtmc").withdrawn


def test_cards_say_what_is_here(data: Path) -> None:
    assert (card("widerface").state, card("widerface", data).state) == ("-", "found")
    assert card("celeba", data).state == "absent"
    assert "CelebA" in card("celeba", data).missing
    made(data)
    assert (card("widerface").state, card("widerface", data).state) == ("prepared", "prepared")


def test_a_file_that_cannot_be_read_is_listed_with_its_reason(add: Add, tmp_path: Path) -> None:
    add("datasets", "broken", "class Broken(:\n")
    said = {one.name: one for one in cards()}["broken"]
    assert "not valid Python" in said.summary
    with pytest.raises(BenchError):
        made(tmp_path, "broken")


def test_a_data_set_of_somebody_else_may_raise_anything(add: Add, tmp_path: Path) -> None:
    source = '''
        """Someone's."""
        from dataclasses import dataclass
        from facesr.bench.contract import Dataset, Part, Split

        @dataclass
        class Theirs(Dataset):
            def missing(self) -> str:
                raise RuntimeError("of theirs")

            def split(self, part: Part) -> Split:
                raise RuntimeError("of theirs")
    '''
    add("datasets", "theirs", source)
    assert "of theirs" in card("theirs", tmp_path).missing
    assert json.dumps(card("theirs").state) == '"-"'
