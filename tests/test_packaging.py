"""What users install: the wheel, the sdist, a development install, and a package of their own."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("bench", "methods", "datasets", "protocols", "reports")

pytestmark = pytest.mark.slow


def run(*command: str | Path) -> str:
    """Run a command away from the repository; show what it said if it fails."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(part) for part in command], cwd="/", env=clean, capture_output=True, text=True
    )
    if done.returncode:
        pytest.fail(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment without facesr in which the libraries of this one can be imported."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> "Environment":
        """Link every installed library but facesr, so that nothing large is installed twice."""
        venv.create(root / "env", symlinks=True)
        environment = cls(root / "env")
        libraries = root / "libraries"
        libraries.mkdir()
        for scheme in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
            for path in Path(scheme).iterdir():
                if "facesr" not in path.name and path.suffix != ".pth":
                    (libraries / path.name).symlink_to(path)
        (environment.site_packages / "libraries.pth").write_text(f"{libraries}\n")
        return environment

    @property
    def site_packages(self) -> Path:
        return next((self.root / "lib").glob("python*/site-packages"))

    def pip(self, *arguments: str | Path) -> str:
        pip = (sys.executable, "-m", "pip", "--python", self.root / "bin/python")
        return run(*pip, *arguments)

    def python(self, program: str) -> str:
        return run(self.root / "bin/python", "-c", program)

    def bench(self, *arguments: str) -> str:
        return run(self.root / "bin/bench", *arguments)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build an sdist, and from that a wheel."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT)
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("facesr-*.whl"))


@pytest.fixture(scope="module")
def developed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment.make(tmp_path_factory.mktemp("developed"))
    environment.pip("install", "--no-deps", "--no-build-isolation", "--editable", ROOT)
    return environment


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT)


def test_the_wheel_holds_every_file_of_the_five_folders_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    marker = "facesr/bench/py.typed"  # moved up, so that it holds for all five folders
    assert held == {"facesr/py.typed", *(f"facesr/{path}" for path in sources())} - {marker}
    assert "facesr/bench/contract.py" in held
    assert any(name.startswith("facesr/reports/templates/") for name in held)


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(n for n in names if n.endswith("/METADATA"))).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_sdist_holds_files_only_and_all_that_its_tests_need(built: Path) -> None:
    with tarfile.open(next(built.glob("facesr-*.tar.gz"))) as archive:
        members = archive.getmembers()
    assert all(member.isfile() for member in members)
    held = {member.name.partition("/")[2] for member in members}
    needed = {"LICENSE", "README.md", "CONTRIBUTING.md", "pyproject.toml", "tests/conftest.py"}
    assert needed <= held
    assert {str(path) for path in sources()} <= held


def test_the_wheel_is_the_same_from_the_sdist_and_from_the_repository(
    wheel: Path, tmp_path: Path
) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, ROOT)

    def digests(path: Path) -> dict[str, str]:
        with zipfile.ZipFile(path) as archive:
            return {n: hashlib.sha256(archive.read(n)).hexdigest() for n in archive.namelist()}

    assert digests(next(tmp_path.glob("*.whl"))) == digests(wheel)


def test_the_wheel_and_hugging_face_datasets_live_side_by_side(wheel: Path, tmp_path: Path) -> None:
    environment = Environment.make(tmp_path)
    try:
        environment.pip("install", "--quiet", "datasets")
    except pytest.fail.Exception as error:
        pytest.skip(f"Hugging Face's datasets cannot be installed here: {str(error)[-300:]}")
    theirs = environment.site_packages / "datasets"
    before = {path: path.stat().st_mtime_ns for path in theirs.rglob("*.py")}
    assert before

    environment.pip("install", "--no-deps", wheel)
    found = environment.python(
        "import datasets, facesr.datasets.embedded as ours\n"
        "print(datasets.__file__, datasets.load_dataset.__module__, ours.__file__, sep='\\n')"
    ).split()
    ours = environment.site_packages / "facesr/datasets/embedded.py"
    assert found == [str(theirs / "__init__.py"), "datasets.load", str(ours)]
    assert "bicubic" in environment.bench("list", "methods")

    environment.pip("uninstall", "--yes", "facesr")
    assert not ours.exists()
    assert {path: path.stat().st_mtime_ns for path in theirs.rglob("*.py")} == before
    assert environment.python("import datasets; print(datasets.__version__)")


def test_a_development_install_reads_the_repository(developed: Environment) -> None:
    for folder in FOLDERS:
        place = developed.python(f"import facesr.{folder} as x; print(*x.__path__, sep='\\n')")
        assert [Path(line).resolve() for line in place.splitlines()] == [ROOT / folder]


@pytest.fixture(scope="module")
def extended(developed: Environment) -> Environment:
    plugin = developed.root.parent / "plugin"
    shutil.copytree(Path(__file__).parent / "plugin", plugin)
    developed.pip("install", "--no-deps", "--no-build-isolation", plugin)
    return developed


def test_an_outside_package_is_listed(extended: Environment) -> None:
    assert "Unsharp masking" in extended.bench("list", "methods")
    assert "Unsharp masking, and colour ramps" in extended.bench("list", "datasets")


def test_an_outside_method_keeps_the_contract(extended: Environment) -> None:
    assert "unsharp keeps the contract" in extended.bench("check", "unsharp")


def test_an_outside_method_takes_its_settings_from_the_command_line(extended: Environment) -> None:
    assert "keeps the contract" in extended.bench("check", "unsharp[amount=1.0]")


def test_an_outside_method_runs_on_an_outside_data_set(
    extended: Environment, tmp_path: Path
) -> None:
    chosen = ("--methods", "bicubic,unsharp", "--datasets", "ramps")
    board = extended.bench("run", *chosen, "--protocol", "synthetic", "--out", str(tmp_path))
    assert "unsharp" in board
    assert "psnr" in board.lower()
    assert list(tmp_path.rglob("unsharp/**/*.png"))
