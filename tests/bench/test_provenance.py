from facesr.bench.provenance import commit, machine, versions


def test_every_package_that_changes_a_number_has_a_version() -> None:
    assert set(versions()) >= {"python", "torch", "numpy", "scikit-image", "dlib-bin"}


def test_the_commit_is_a_digest_or_empty() -> None:
    assert len(commit().removesuffix("+changes")) in (0, 40)


def test_the_machine_is_described_but_not_named() -> None:
    import platform

    assert platform.node() not in str(machine("cpu"))
    assert machine("cpu")["device"] == "cpu"
