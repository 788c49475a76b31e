from pathlib import Path

from facesr.bench.doctor import examine, text


def test_it_names_versions_devices_assets_and_data_sets(tmp_path: Path) -> None:
    findings = examine(tmp_path)
    assert findings["devices"]["cpu"]
    assert findings["versions"]["torch"] != "absent"
    assert findings["datasets"]["embedded"] == "present"
    assert findings["datasets"]["wild"] != "present"
    said = text(findings)
    assert "ok      embedded" in said
    assert "absent  wild: " in said


def test_missing_assets_say_how_to_get_them(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("FACESR_ASSETS", str(tmp_path))
    assert "FACESR_ASSETS" in text(examine())
