import hashlib
from pathlib import Path

import pytest

from facesr.bench import assets
from facesr.bench.errors import BadName, BenchError
from facesr.bench.files import cache_folder


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an asset known, and return where its file belongs."""
    sha256 = hashlib.sha256(b"weights").hexdigest()
    known = assets.Asset("model", "some/model.pth", sha256, "MIT", "https://example.org", "a test")
    monkeypatch.setattr(assets, "ASSETS", (known,))
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    (tmp_path / "some").mkdir()
    return tmp_path / "some/model.pth"


def test_an_asset_in_its_place_is_found(model: Path) -> None:
    model.write_bytes(b"weights")
    assert assets.missing("model") == ""
    assert assets.find("model") == model


def test_the_first_characters_of_a_digest_are_enough(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = hashlib.sha256(b"weights").hexdigest()[:8]
    known = assets.Asset("model", "some/model.pth", short, "", "https://example.org", "")
    monkeypatch.setattr(assets, "ASSETS", (known,))
    model.write_bytes(b"weights")
    assert assets.find("model") == model
    model.write_bytes(b"other weights")
    with pytest.raises(BenchError, match=f"expected {short}"):
        assets.find("model")


def test_a_file_that_is_not_the_published_one_is_refused(model: Path) -> None:
    model.write_bytes(b"other weights")
    came = hashlib.sha256(b"other weights").hexdigest()[:12]
    with pytest.raises(BenchError, match=rf"model\.pth has SHA-256 {came}…, expected .* fetch it"):
        assets.find("model")


def test_an_absent_asset_is_answered_with_how_to_get_it(model: Path) -> None:
    sentence = assets.missing("model")
    assert str(model.relative_to(model.parents[1])) in sentence
    assert "https://example.org" in sentence
    assert "FACESR_ASSETS" in sentence
    with pytest.raises(BenchError, match=r"needs the asset 'model': get model\.pth from"):
        assets.find("model")


def test_an_unknown_asset_is_answered_with_the_known_ones(model: Path) -> None:
    with pytest.raises(BadName, match=r"no asset named 'modle'; .*model"):
        assets.asset("modle")


def test_assets_lie_in_the_cache_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FACESR_ASSETS", raising=False)
    assert assets.assets_folder() == cache_folder() / "assets"


def test_every_asset_says_where_it_comes_from_and_under_which_terms() -> None:
    assert len({a.name for a in assets.ASSETS}) == len(assets.ASSETS)
    assert len({a.file for a in assets.ASSETS}) == len(assets.ASSETS)
    for known in assets.ASSETS:
        assert known.source.startswith("https://"), known
        assert known.licence, known
        assert known.used_by, known
        assert len(known.sha256) >= 8, known
        int(known.sha256, 16)
        assert not Path(known.file).is_absolute()


def test_real_assets_pass_their_check_where_present(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(__file__).parents[2].parent / "shared/weights"
    monkeypatch.setenv("FACESR_ASSETS", str(folder))
    present = [a for a in assets.ASSETS if not assets.missing(a.name)]
    if not present:
        pytest.skip("no real asset on this machine")
    for known in present:
        assert assets.find(known.name) == folder / known.file
