import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from facesr.bench.store import Results, Store
from facesr.reports._about import paper
from facesr.reports._layout import tables
from facesr.reports._links import slug
from facesr.reports._matrix import in_script, rankings
from facesr.reports._plane import plane
from facesr.reports._view import spots
from facesr.reports.site import TEMPLATES, write_site


def page(results: Results, root: Path, out: Path, name: str, **families: str) -> str:
    write_site(results, root, out, families)
    return (out / name).read_text(encoding="utf-8")


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def test_no_two_labels_share_a_page_even_where_case_does_not_count() -> None:
    labels = ["a", "A", "a/b", "a-b", "a b", "..", "", "con", "é", "e\u0301", "x" * 70, "x" * 71]
    slugs = [slug(label) for label in labels]
    assert len({s.lower() for s in slugs}) == len(labels)
    assert all(re.fullmatch(r"[a-z0-9_-]{1,70}", s) for s in slugs)


def test_a_method_is_described_by_its_own_source() -> None:
    found = paper("methods", "lrgan[variant=bilinear]")
    assert (found.title, found.year, found.trainable) == ("LRGAN", 2018, True)
    assert found.url.startswith("https://")
    assert found.settings["width"][1].startswith("Factor")
    assert paper("methods", "nobody") == paper("datasets", "nobody")
    assert paper("datasets", "embedded[test=real]").licence


def test_the_page_of_a_method_says_what_ran_and_what_its_paper_has(
    make: Any, tmp_path: Path
) -> None:
    given = {
        "parameters": 1_453_699,
        "changed": ["width"],
        "remarks": ["3 of 40 faces did not converge"],
        "device_name": "A device",
        "trained_on": {"device_name": "Another"},
    }
    row = make.row("lrgan", make.score(), provenance=given)
    row = replace(
        row,
        settings={"steps": 570000, "width": 0.5, "augment": "full"},
        timing={"images_per_second": 50.0, "train_seconds": 7300.0},
    )
    said = words(page(Results([row]), tmp_path, tmp_path, "methods/lrgan.html"))
    for expected in (
        "1,453,699",
        "20 ms",
        "lfw, A device",
        "2 h 1 min",
        "lfw: 3 of 40 faces did not converge",
        "width 0.5 1.0 set by hand Factor of all channels.",
        "steps 570,000 Generator updates",
        "ECCV 2018 https://arxiv.org/abs/1807.11458",
        "augment full full flips, scales",
    ):
        assert expected in said, expected


def test_every_pair_is_there_once_and_turned(make: Any) -> None:
    scores = make.paired([26.0, 25.0, 27.0, 26.0003])
    rows = [make.row(m, s) for m, s in zip("abcd", scores, strict=True)]
    [ranking] = rankings(tables(rows)[0])
    assert [place.line.method for place in ranking.places] == ["c", "a", "d", "b"]
    for i, place in enumerate(ranking.places):
        assert place.duels[i] is None
        for j, duel in enumerate(place.duels):
            other = ranking.places[j].duels[i]
            if duel and other:
                turned = {"better": "worse", "worse": "better"}
                assert other.kind == turned.get(duel.kind, duel.kind)
                assert other.p == duel.p
                assert {duel.text[0], other.text[0]} in ({"+", "\N{MINUS SIGN}"}, {"0"})
                assert duel.text[1:] == other.text[1:]
    assert [p.count("better") for p in ranking.places] == [3, 1, 1, 0]
    assert [p.ranks for p in ranking.places] == ["1", "2 to 3", "2 to 3", "4"]
    data = ranking.data()
    assert data["kinds"] == "bbbabb"
    assert len(data["texts"]) == len(data["p"]) == 6


def test_a_difference_too_small_to_matter_is_a_tie_that_says_so(make: Any) -> None:
    scores = [replace(score, smallest=2.0) for score in make.paired([26.0, 25.0])]
    rows = [make.row(m, s) for m, s in zip("ab", scores, strict=True)]
    [ranking] = rankings(tables(rows)[0])
    assert [d.kind for p in ranking.places for d in p.duels if d] == ["tied", "tied"]
    assert ranking.smallest == "2 dB"


def test_data_in_a_page_ends_no_element_and_stays_what_it_is() -> None:
    evil = {"</script><!--": ["\u2028", "&lt;", "é"]}
    assert not set("<>&\u2028é") & set(in_script(evil))
    assert json.loads(in_script(evil)) == evil


def test_the_plane_joins_those_whom_nobody_beats_at_both(make: Any) -> None:
    def on(method: str, psnr: float, kid: float) -> list[Any]:
        number = make.score("kid", kid, better="lower", group="realism")
        return [make.row(method, make.score(value=psnr)), make.row(method, number)]

    rows = [*on("a", 30, 5), *on("b", 25, 1), *on("c", 24, 4), *on("d", 29, 5)]
    [table] = tables(rows)
    found = plane(table)
    assert found is not None
    assert [mark.across.line.method for mark in found.front] == ["b", "a"]
    [alone] = tables(on("a", 30, 5))
    assert plane(alone) is None
    [faithful] = tables([row for row in rows if row.score.metric == "psnr"])
    assert plane(faithful) is None


def test_the_strips_of_a_method_show_everybody(make: Any, tmp_path: Path) -> None:
    scores = make.paired([26.0, 25.0, 27.0])
    results = Results([make.row(m, s) for m, s in zip("abc", scores, strict=True)])
    text = page(results, tmp_path, tmp_path, "methods/a.html")
    [ticks] = re.findall(r'class="everybody" d="([^"]*)"', text)
    [table] = tables(results.rows)
    places = [line[0].dot.at for _, line in spots(table) if line[0].dot]
    assert ticks == "".join(f"M{2 * at:.0f} 3v8" for at in places)


def test_the_figure_of_curves_takes_the_colours_of_the_page(make: Any, tmp_path: Path) -> None:
    from facesr.bench.score import Curve

    def curve(metric: str, *y: float) -> Curve:
        low, high = tuple(v - 0.05 for v in y), tuple(v + 0.05 for v in y)
        name = f"{metric.partition('[')[0]}[e@1,v1]"
        return Curve(metric, (8.0, 16.0, 64.0)[-len(y) :], y, low, high, "px", "higher", 9, name)

    curves = [
        curve("accuracy[e,level]", 0.9, 0.9, 0.9),
        curve("accuracy[e]", 0.5, 0.8, 0.95),
        curve("cosine[e]", 0.1, 0.3, 0.6),
        curve("rank1[e]", 0.1, 0.3, 0.6),
    ]
    rows = [make.row("alder#ffffff", c, protocol="cr") for c in curves]
    text = page(Results(rows), tmp_path, tmp_path, "datasets/lfw.html", **{"alder#ffffff": "prior"})
    assert "var(--prior)" in text
    assert "alder#ffffff" in text
    inside = text[text.index("<figure role") :]
    inside = inside[: inside.index("</figure>")]
    assert set(re.findall(r'style="[^"]*(#[0-9a-f]{6})', inside)) <= {"#87838f"}
    assert "<metadata" not in text
    assert text.count("rank1[e]") >= 1
    assert text.count("<strong>accuracy[e]</strong>") == 0


def training(results: Results, root: Path, out: Path) -> str:
    return page(results, root, out, "methods/birch.html").partition('id="training"')[2]


def drawn(results: Results, root: Path, out: Path) -> list[str]:
    return re.findall(r'<path class="line [^"]*" d="([^"]*)"', training(results, root, out))


def test_a_broken_training_log_is_passed_over(run: tuple[Results, Path], tmp_path: Path) -> None:
    log = Store(run[1]).training("birch", "0123456789") / "log.csv"
    for content in (b"\xff\xfe\x00", b"", b"step,loss\n", b"step,loss\n1,nan\n2,inf\n", b"\n\n"):
        log.write_bytes(content)
        assert training(*run, tmp_path) == ""


def test_a_long_log_stays_a_small_drawing(run: tuple[Results, Path], tmp_path: Path) -> None:
    [line] = drawn(*run, tmp_path)
    assert 100 < line.count(",") <= 240


def test_a_gap_in_a_log_is_not_drawn_over_and_a_constant_is_not_drawn(
    run: tuple[Results, Path], tmp_path: Path
) -> None:
    log = Store(run[1]).training("birch", "0123456789") / "log.csv"
    log.write_text("step,loss,rate\n1,3,0.5\n2,2,0.5\n3,,0.5\n4,1,0.5\n5,0,0.5\n")
    [line] = drawn(*run, tmp_path)
    assert line == "M0,0 80,50M240,100 320,150"
    assert "Never changed: rate 0.5." in training(*run, tmp_path)


def test_a_method_keeps_colour_and_shape_whoever_else_is_shown(make: Any, tmp_path: Path) -> None:
    def sign(*methods: str) -> str:
        rows = [make.row(method, make.score()) for method in methods]
        text = page(Results(rows), tmp_path, tmp_path, "index.html", alder="prior")
        found = re.search(
            r'<svg class="sign (\w+)"[^>]*><use href="#(\w+)"/></svg>\s*<a[^>]*>alder', text
        )
        assert found
        return f"{found[1]} {found[2]}"

    assert sign("alder") == sign("aaa", "alder", "zzz") != ""
    assert sign("alder").startswith("prior ")


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1])
def test_text_and_signs_have_the_contrast_of_wcag_aa(theme: int) -> None:
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    found = re.findall(r"--(\w[\w-]*): light-dark\((#\w{6}), (#\w{6})\)", style)
    colours = {name: pair[theme] for name, *pair in found}

    def ratio(a: str, b: str) -> float:
        high, low = sorted((luminance(colours[a]), luminance(colours[b])), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for paper_ in ("paper", "card", "raised"):
        for text in ("ink", "soft", "link"):
            assert ratio(text, paper_) >= 4.5, (text, paper_)
    for text, ground in (("tint-ink", "tint"), ("warn-ink", "warn"), ("loss-ink", "loss")):
        assert ratio(text, ground) >= 4.5
    for mark, ground in (("tick", "card"), ("tick", "tint"), ("focus", "paper")):
        assert ratio(mark, ground) >= 3
    for family in ("interpolation", "regression", "adversarial", "prior", "diffusion"):
        assert ratio(family, "card") >= 3
    for family in ("codebook", "unpaired", "none"):
        assert ratio(family, "card") >= 3
