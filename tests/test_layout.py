"""The rules of the house, each with what to do when it is broken."""

import ast
import hashlib
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("bench", "methods", "datasets", "protocols", "reports")
LINES = 350
MIB = 2**20
NOT_OURS = {"LICENSE", "requirements.lock"}

# in pieces, so that this file does not break its own rule
MACHINE_PATH = re.compile(r"(?<![\w.$~}])/" + r"(home|Users|root|work|opt|tmp)/\w")
REGISTRY = re.compile("|".join([r"\bpypi" + r"\.", "python" + "hosted", "index-" + "url"]))


def tracked() -> list[Path]:
    """List what git would keep; in an unpacked sdist, every file."""
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    paths = [ROOT / name for name in done.stdout.split("\0") if name]
    return [path for path in paths if path.is_symlink() or path.exists()]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        name = str(path.relative_to(ROOT))
        if path.is_file() and not path.is_symlink() and name not in NOT_OURS:
            data = path.read_bytes()
            if b"\0" not in data[:8000]:
                yield name, data.decode("utf-8")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked() -> dict[str, str]:
    """Read names and versions from the lock."""
    pins = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition(" ;")[0].partition("==")
        if not line.startswith("#"):
            pins[normal(name)] = version
    return pins


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required() -> Iterator[tuple[str, str]]:
    """Yield the name and the condition of all that `pip install .[dev]` asks for."""
    about = project()["project"]
    for line in about["dependencies"] + about["optional-dependencies"]["dev"]:
        match = re.fullmatch(r"([\w.-]+)(?:\[[\w,-]+\])?(.*)", line)
        assert match, line
        yield normal(match[1]), match[2]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_is_a_regular_package(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists(), (
        f"remove {folder}/__init__.py: with it, `import {folder}` in this folder finds ours, and "
        "`datasets` must stay Hugging Face's package"
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_is_linked_for_development(folder: str) -> None:
    link = ROOT / ".links/facesr" / folder
    if not link.parent.exists():
        pytest.skip("an unpacked sdist has no links")
    assert link.is_symlink(), f"make it one: ln -s ../../{folder} .links/facesr/{folder}"
    assert link.readlink() == Path("../..") / folder, f"{link} must be relative: ../../{folder}"
    assert {path.name for path in link.parent.iterdir()} == set(FOLDERS)


def mirrored() -> Iterator[tuple[Path, list[Path]]]:
    """Yield every public file and the places where its tests may be."""
    for folder in (*FOLDERS[1:], "protocols/metrics"):
        for path in sorted((ROOT / folder).glob("[!_]*.py")):
            name = f"test_{path.name}"
            places = [ROOT / "tests" / folder / name, ROOT / "tests" / folder.split("/")[0] / name]
            yield path, list(dict.fromkeys(places))


@pytest.mark.parametrize(
    ("path", "places"), [pytest.param(*m, id=str(m[0].relative_to(ROOT))) for m in mirrored()]
)
def test_every_file_has_its_test_file(path: Path, places: list[Path]) -> None:
    wish = " or ".join(str(place.relative_to(ROOT)) for place in places)
    found = [place for place in places if place.is_file()]
    assert found, f"{path.relative_to(ROOT)} has no test of its own: write {wish}"


def test_no_python_file_is_too_long() -> None:
    long = {n: t.count("\n") for n, t in texts() if n.endswith(".py") and t.count("\n") > LINES}
    assert not long, f"split what has more than {LINES} lines: {long}"


def test_no_tracked_file_is_large() -> None:
    large = [str(p.relative_to(ROOT)) for p in tracked() if p.is_file() and p.stat().st_size > MIB]
    assert not large, f"keep these out of the repository, name their source instead: {large}"


@pytest.mark.parametrize("forbidden", [MACHINE_PATH, REGISTRY], ids=["paths", "registries"])
def test_no_file_names_a_machine(forbidden: re.Pattern[str]) -> None:
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if forbidden.search(line)
    ]
    assert not found, "say it without the address of one machine:\n" + "\n".join(found)


def test_a_machine_path_is_told_from_an_address() -> None:
    path = "/" + "home/ann/faces"
    for line in (path, f"'{path}'", f"cd {path}", f"--data={path}"):
        assert MACHINE_PATH.search(line), line
    for line in (f"https://example.org{path}", f"..{path}", f"~{path}", f"$HOME{path}"):
        assert not MACHINE_PATH.search(line), line


def test_scripts_can_be_executed() -> None:
    mode = (ROOT / ".ci/run").stat().st_mode if (ROOT / ".ci/run").exists() else stat.S_IXUSR
    assert mode & stat.S_IXUSR, "chmod +x .ci/run"


def test_the_changelog_begins_with_this_version() -> None:
    version = project()["project"]["version"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    top = re.search(r"^## \[?(\d[\w.]*)\]? - (\d{4}-\d{2}-\d{2})$", text, re.MULTILINE)
    assert top, "write the version as: ## [1.2.3] - 2026-01-31"
    assert top[1] == version, f"CHANGELOG.md begins with {top[1]}, pyproject.toml says {version}"


def modules(tree: ast.Module) -> Iterator[str]:
    """Yield what a file imports, by statement or by `import_module("...")`."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(name)):
                yield name
            case ast.Call(func=ast.Name(id="import_module"), args=[ast.Constant(value=str(name))]):
                yield name


def imported() -> dict[str, set[str]]:
    """Return the distributions that the five folders import, each with the files that do."""
    homes = {"dlib": ["dlib-bin"], **packages_distributions()}
    found: dict[str, set[str]] = {}
    for name, text in texts():
        if name.partition("/")[0] in FOLDERS and name.endswith(".py"):
            tops = {module.partition(".")[0] for module in modules(ast.parse(text))}
            for top in tops - sys.stdlib_module_names - {"facesr"}:
                for home in homes.get(top, [top]):
                    found.setdefault(normal(home), set()).add(name)
    return found


def test_what_is_imported_is_declared() -> None:
    about = project()["project"]
    extras = [line for group in about["optional-dependencies"].values() for line in group]
    declared = {normal(re.split(r"[\[<>=]", x)[0]) for x in about["dependencies"] + extras}
    strays = {home: files for home, files in imported().items() if home not in declared}
    assert not strays, f"add to [project] dependencies, or do without: {strays}"


def test_what_is_required_is_imported() -> None:
    wanted = {normal(re.split(r"[\[<>=]", x)[0]) for x in project()["project"]["dependencies"]}
    idle = sorted(wanted - set(imported()))
    assert not idle, f"remove from [project] dependencies, nothing imports them: {idle}"


def test_the_lock_holds_names_and_versions_only() -> None:
    pin = re.compile(r"#.*|[\w.-]+==[\w.]+( ; sys_platform == \"linux\")?")
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    odd = [line for line in text.splitlines() if not pin.fullmatch(line)]
    assert not odd, f"write the lock with `make lock`; these lines are no name==version: {odd}"


def test_the_lock_pins_all_that_is_required() -> None:
    missing = [name for name, _ in required() if name not in locked()]
    assert not missing, f"{missing} are not in requirements.lock: run `make lock`"


def test_what_is_pinned_twice_is_pinned_alike() -> None:
    pinned = {name: wish[2:] for name, wish in required() if wish.startswith("==")}
    assert {"ruff", "mypy", "pyright", "import-linter"} <= set(pinned), "pin every checker"
    drifted = {n: (v, locked()[n]) for n, v in pinned.items() if locked()[n] != v}
    assert not drifted, f"pyproject.toml and requirements.lock disagree: {drifted}; `make lock`"


def test_the_licence_is_the_unmodified_text() -> None:
    came = hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    published = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    assert came == published, "LICENSE must be the text of Apache-2.0 as apache.org has it"
