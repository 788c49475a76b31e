from facesr.bench.listing import count_parameters, listing, text


def test_methods_carry_their_paper_and_settings() -> None:
    entries = {entry["name"]: entry for entry in listing("methods")}
    assert entries["lrgan"]["settings"]["variant"] == "full"
    assert entries["lrgan"]["settings"]["seed"] == 0
    assert entries["lrgan"]["budgets"] == ["paper", "short", "smoke"]
    assert entries["bicubic"]["scales"] == []


def test_every_kind_can_be_listed_as_text() -> None:
    for what in ("methods", "datasets", "protocols", "metrics", "assets"):
        entries = listing(what)
        assert len(text(entries).splitlines()) == len(entries) > 0


def test_assets_say_whether_they_are_there() -> None:
    assert {entry["present"] for entry in listing("assets")} <= {True, False}


def test_interpolation_has_no_parameters() -> None:
    assert count_parameters("bicubic") == 0
