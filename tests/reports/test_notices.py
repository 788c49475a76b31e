import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.store import Results
from facesr.reports.site import write_site


def page_of(results: Results, root: Path, out: Path, pictures: bool = True) -> str:
    return write_site(results, root, out, {}, pictures).read_text(encoding="utf-8")


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"budget": "smoke"}, "say nothing about how good a method is"),
        ({"budget": "short"}, "not those of the papers"),
        ({"dataset": "embedded[size=16]"}, "compare with no paper"),
    ],
)
def test_numbers_of_a_rehearsal_carry_a_banner(
    make: Any, tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    rehearsal = Results([make.row("alder", make.score(), **changes)])
    assert words in page_of(rehearsal, tmp_path, tmp_path)
    serious = Results([make.row("alder", make.score())])
    assert "warning" not in page_of(serious, tmp_path, tmp_path).partition("<main")[2]


def test_a_first_look_and_settings_changed_by_hand_carry_a_banner(
    make: Any, tmp_path: Path
) -> None:
    given = {"limit": 16, "changed": ["steps", "width"], "counts": {"input": 16, "reference": 9}}
    rows = [
        make.row("lrgan", make.score(), provenance=given),
        make.row("lrgan[steps=3]", make.score(), provenance=given | {"changed": ["steps"]}),
    ]
    words = words_of(page_of(Results(rows), tmp_path, tmp_path))
    assert "At most 16 faces per half of lfw were used; these numbers are not those" in words
    assert "changed by hand: lrgan steps, width. These" in words
    assert "16 test inputs, 9 reference faces" in words
    assert "budget paper, changed: steps; paper, changed: steps, width" in words
    assert "limit 16" in words


def share(results: Results, **given: Any) -> Results:
    return Results([replace(r, provenance=r.provenance | given) for r in results.rows])


def pages_of(results: Results, root: Path, out: Path, pictures: bool = True) -> dict[str, str]:
    write_site(results, root, out, {}, pictures)
    return {str(path.relative_to(out)): path.read_text() for path in sorted(out.rglob("*.html"))}


def images(out: Path) -> list[str]:
    return sorted(str(path.relative_to(out / "images")) for path in out.glob("images/**/*.png"))


def test_pictures_that_may_not_be_published_are_said_to_be_private(
    run: tuple[Results, Path], tmp_path: Path
) -> None:
    results, root = run
    pages = pages_of(share(results, licence="research only"), root, tmp_path)
    sentence = "Pictures of lfw may not be published (licence research only)."
    for name in ("index.html", "gallery.html", "methods/alder.html"):
        words = words_of(pages[name])
        assert words.count(sentence) == 1, name
        assert words.count("Keep this page to yourself.") == 1, name
        assert pages[name].index(sentence) < pages[name].find("<img") or name == "index.html"
    samples = "Samples of birch may not be published (their data set is not recorded)."
    assert samples in words_of(pages["methods/birch.html"])
    assert all("noindex" in page for page in pages.values())


def test_pictures_that_may_be_published_need_no_notice(
    run: tuple[Results, Path], tmp_path: Path
) -> None:
    results, root = run
    known = share(results, shareable=True, data={"train": "0123456789"})
    for page in pages_of(known, root, tmp_path / "a").values():
        assert "yourself" not in page
        assert "noindex" not in page
    assert len(images(tmp_path / "a")) == 3 * 8 + 1
    silent = pages_of(share(results, shareable="yes"), root, tmp_path / "b")["gallery.html"]
    assert "Pictures of lfw may not be published (no licence is recorded)." in silent


def test_without_pictures_only_those_that_may_be_published_stay(
    run: tuple[Results, Path], make: Any, tmp_path: Path
) -> None:
    results, root = run
    make.pictures(root, "open", ["alder"], 9)
    make.png(root / "real" / "lfw" / "someone.png", 64, 1)
    free = make.row("alder", make.score(), dataset="open", provenance={"shareable": True})
    pages = pages_of(Results([*results.rows, free]), root, tmp_path / "a", pictures=False)
    assert len(images(tmp_path / "a")) == 2 * 8
    assert all(name.startswith("open/") for name in images(tmp_path / "a"))
    words = {name: words_of(page) for name, page in pages.items()}
    left_out = "Pictures left out. Pictures of lfw may not be published"
    assert left_out in words["gallery.html"]
    assert "Samples left out. Samples of birch" in words["methods/birch.html"]
    for name, page in pages.items():
        assert "yourself" not in words[name]
        assert "noindex" not in page


def test_samples_follow_the_data_set_they_were_trained_on(
    run: tuple[Results, Path], tmp_path: Path
) -> None:
    results, root = run
    known = share(results, data={"train": "0123456789ab"}, licence="mine", shareable=False)
    page = pages_of(known, root, tmp_path / "a", pictures=False)["methods/birch.html"]
    training = page.partition('id="training"')[2]
    assert "Pictures of lfw may not be published (licence mine)." in training
    assert images(tmp_path / "a") == []
