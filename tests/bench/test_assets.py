import hashlib
import os
import time
from pathlib import Path

import pytest

from facesr.bench import assets
from facesr.bench.errors import BadName, BenchError
from facesr.bench.files import cache_folder, digest, read_json, write_json

LONG_AGO = time.time_ns() - 10**12


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an asset known, and return where its file belongs."""
    sha256 = hashlib.sha256(b"weights").hexdigest()
    known = assets.Asset("model", "some/model.pth", sha256, "MIT", "https://example.org", "a test")
    monkeypatch.setattr(assets, "ASSETS", (known,))
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path / "cache"))
    (tmp_path / "some").mkdir()
    return tmp_path / "some/model.pth"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Count how often files are read, and let them count as settled at once."""
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return digest(path)

    monkeypatch.setattr(assets, "digest", counted)
    monkeypatch.setattr(assets, "SETTLED_NS", -1)
    monkeypatch.setattr(assets, "_known", {})
    return read


def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "_known", {})


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


def test_an_unknown_asset_like_none_is_answered_with_all(model: Path) -> None:
    with pytest.raises(BadName, match=r"no asset named 'xyz'; known: model"):
        assets.asset("xyz")


def test_an_asset_that_can_be_fetched_is_answered_with_the_command(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "https://example.org/pack.zip"
    known = assets.Asset("model", "a/model.pth", "00", "MIT", "https://example.org", "", url)
    monkeypatch.setattr(assets, "ASSETS", (known,))
    assert "`bench assets fetch model`" in assets.missing("model")
    assert known.archive == "pack.zip"


def test_a_file_is_read_once_per_process(model: Path, reads: list[Path]) -> None:
    model.write_bytes(b"weights")
    assert [assets.find("model") for _ in range(3)] == [model] * 3
    assert reads == [model]


def test_a_file_is_read_once_for_all_processes(
    model: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model.write_bytes(b"weights")
    for _ in range(3):
        new_process(monkeypatch)
        assets.find("model")
    assert reads == [model]


def test_a_wrong_file_is_refused_from_memory_too(
    model: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model.write_bytes(b"other weights")
    for _ in range(3):
        new_process(monkeypatch)
        with pytest.raises(BenchError, match="has SHA-256"):
            assets.find("model")
    assert reads == [model]


@pytest.mark.parametrize("process", ["same", "another"])
def test_a_file_of_other_content_is_read_again_whatever_its_times(
    model: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch, process: str
) -> None:
    model.write_bytes(b"weights")
    os.utime(model, ns=(LONG_AGO, LONG_AGO))
    assets.find("model")
    time.sleep(0.02)  # more than a tick of the file system's clock
    model.write_bytes(b"weighty")
    os.utime(model, ns=(LONG_AGO, LONG_AGO))
    if process == "another":
        new_process(monkeypatch)
    with pytest.raises(BenchError, match="has SHA-256"):
        assets.find("model")


@pytest.mark.parametrize("field", ["size", "modified", "changed"])
def test_a_memory_of_another_size_or_time_is_not_trusted(
    model: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    model.write_bytes(b"weights")
    assets.find("model")
    memory = cache_folder() / "assets.json"
    written = read_json(memory)
    written[str(model)][field] += 1
    write_json(memory, written)
    new_process(monkeypatch)
    assets.find("model")
    assert len(reads) == 2


@pytest.mark.parametrize("content", ["", "[]", "{", '{"PATH": 3}', '{"PATH": {"sha256": "00"}}'])
def test_a_damaged_memory_is_not_trusted(
    model: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    model.write_bytes(b"weights")
    memory = cache_folder() / "assets.json"
    memory.parent.mkdir()
    memory.write_text(content.replace("PATH", str(model)))
    assert assets.find("model") == model
    new_process(monkeypatch)
    assert assets.find("model") == model
    assert len(reads) == 1


@pytest.mark.parametrize("sha256", ["", None, 3])
def test_a_memory_of_no_digest_is_not_trusted(
    model: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch, sha256: object
) -> None:
    model.write_bytes(b"weights")
    assets.find("model")
    memory = cache_folder() / "assets.json"
    written = read_json(memory)
    written[str(model)]["sha256"] = sha256
    write_json(memory, written)
    new_process(monkeypatch)
    assert assets.find("model") == model
    assert len(reads) == 2


def test_without_a_place_for_the_memory_files_are_read(
    model: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model.write_bytes(b"weights")
    monkeypatch.setenv("FACESR_CACHE", str(model))
    for _ in range(2):
        new_process(monkeypatch)
        assert assets.find("model") == model
    assert len(reads) == 2


def test_a_file_that_may_still_be_written_is_not_remembered(
    model: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "SETTLED_NS", 10**12)
    model.write_bytes(b"weights")
    assets.find("model")
    assets.find("model")
    assert len(reads) == 2


def test_states_are_present_absent_and_wrong_file(model: Path) -> None:
    assert [s.state for s in assets.states()] == ["absent"]
    model.write_bytes(b"other weights")
    (wrong,) = assets.states(["model"])
    assert (wrong.state, wrong.path) == ("wrong file", model)
    assert "has SHA-256" in wrong.problem
    model.write_bytes(b"weights")
    (present,) = assets.states(reread=True)
    assert (present.state, present.problem, present.sha256) == (
        "present",
        "",
        hashlib.sha256(b"weights").hexdigest(),
    )


def test_reading_again_trusts_no_memory(model: Path, reads: list[Path]) -> None:
    model.write_bytes(b"weights")
    list(assets.states())
    list(assets.states(reread=True))
    assert len(reads) == 2


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
        assert ".." not in Path(known.file).parts
        assert known.url == "" or known.url.startswith("https://"), known
        assert known.size >= 0


def test_torch_hub_finds_what_it_looks_for_by_the_name_of_its_address() -> None:
    hub = [known for known in assets.ASSETS if known.file.startswith("hub/checkpoints/")]
    assert {"alexnet", "vgg16", "squeezenet1_1"} <= {known.name for known in hub}
    for known in hub:
        assert known.url.endswith(f"/{known.basename}"), known


def test_real_assets_pass_their_check_where_present(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = Path(__file__).parents[2].parent / "shared/weights"
    monkeypatch.setenv("FACESR_ASSETS", str(folder))
    monkeypatch.setenv("FACESR_CACHE", str(tmp_path))
    present = [a for a in assets.ASSETS if not assets.missing(a.name)]
    if not present:
        pytest.skip("no real asset on this machine")
    for known in present:
        assert assets.find(known.name) == folder / known.file
        assert known.size in (0, (folder / known.file).stat().st_size)
