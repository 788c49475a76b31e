import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from facesr.bench import catalog
from facesr.bench.errors import BadName, BenchError

Drop = Callable[[str, str], Path]

MINE = '''"""A method of mine. More of it."""

from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor, nn

from facesr.bench.contract import About, Method


@dataclass
class Mine(Method):
    """Mine."""

    about: ClassVar[About] = About("My Method", year=2026, family="regression")
    budgets = {"short": {"steps": 10}, "smoke": {"steps": 1}}

    steps: int = 100
    weights: tuple[float, ...] = (1.0, 0.5)
    extra: nn.Module = field(default_factory=nn.Identity, init=False)
    notes: dict[str, int] = field(default_factory=dict)

    def train(self, data, out):
        pass

    def upscale(self, lr: Tensor) -> Tensor:
        return lr
'''

HEIR = '''"""An heir."""

from dataclasses import dataclass

from facesr.methods.mine import Mine


@dataclass
class Heir(Mine):
    steps: int = 7
    depth: int = 3
'''


def install(root: Path, name: str, entry_points: str) -> None:
    """Leave what an installer leaves of a package: its metadata."""
    folder = root / f"{name}-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(entry_points)
    catalog._found.cache_clear()


def test_a_dropped_file_is_listed_under_its_own_name(drop: Drop) -> None:
    drop("methods/mine.py", MINE)
    drop("methods/_helper.py", "")
    assert "mine" in catalog.names("methods")
    assert "_helper" not in catalog.names("methods")
    assert catalog.load("methods", "mine").__name__ == "Mine"


def test_a_near_miss_is_named(drop: Drop) -> None:
    drop("methods/gaussian_blur.py", MINE)
    with pytest.raises(BadName, match=r"^no method named 'gausian_blur'; did you mean 'gaussian_b"):
        catalog.load("methods", "gausian_blur")


def test_a_name_like_no_other_is_answered_with_all_known_names() -> None:
    assert catalog.suggest("zzz", ["b", "a"]) == "known: a, b"
    assert catalog.suggest("zzz", []) == "known: none"
    with pytest.raises(BadName, match="no data set named 'qqqqqq'"):
        catalog.entry("datasets", "qqqqqq")


def test_listing_and_describing_everything_imports_no_torch(drop: Drop) -> None:
    drop("methods/mine.py", MINE)
    program = """
import sys
from facesr.bench import catalog
found = [(k, catalog.describe(k, n).name) for k in catalog.KINDS for n in catalog.names(k)]
assert ("methods", "mine") in found
print(*sorted({"torch", "numpy", "PIL"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_a_description_is_read_from_the_source(drop: Drop) -> None:
    drop("methods/mine.py", MINE)
    shown = catalog.describe("methods", "mine")
    assert shown.title == "My Method"
    assert shown.about == {"year": 2026, "family": "regression"}
    assert shown.budgets == ("short", "smoke")
    assert shown.trainable
    assert shown.settings == {
        "scale": 4,
        "seed": 0,
        "steps": 100,
        "weights": (1.0, 0.5),
        "notes": "field(default_factory=dict)",
    }


@pytest.mark.parametrize("name", ["mine", "heir"])
def test_a_description_agrees_with_the_imported_class(drop: Drop, name: str) -> None:
    drop("methods/mine.py", MINE)
    drop("methods/heir.py", HEIR)
    shown, built = catalog.describe("methods", name), catalog.load("methods", name)()
    assert shown.title == built.about.title
    assert shown.budgets == tuple(built.budgets)
    assert list(shown.settings) == [f.name for f in fields(built) if f.init]
    assert shown.settings["steps"] == built.steps


def test_a_description_includes_what_is_inherited(drop: Drop) -> None:
    drop("methods/mine.py", MINE)
    drop("methods/heir.py", HEIR)
    shown = catalog.describe("methods", "heir")
    assert shown.title == "My Method"
    assert shown.budgets == ("short", "smoke")
    assert shown.trainable
    assert (shown.settings["steps"], shown.settings["depth"]) == (7, 3)


def test_without_a_title_the_first_line_of_the_file_is_shown(drop: Drop) -> None:
    drop("protocols/plain.py", '"""A plain recipe.\n\nMore."""\n\nclass Plain(Base):\n    pass\n')
    assert catalog.describe("protocols", "plain").title == "A plain recipe"


def test_a_syntax_error_is_a_sentence_with_file_and_line(drop: Drop) -> None:
    path = drop("methods/broken.py", '"""Broken."""\n\nclass Broken(:\n')
    assert "broken" in catalog.names("methods")
    with pytest.raises(BenchError, match=f"^{path} line 3 is not valid Python: "):
        catalog.describe("methods", "broken")
    with pytest.raises(BenchError, match=f"^{path} line 3 is not valid Python: "):
        catalog.load("methods", "broken")


def test_a_package_that_is_absent_is_named(drop: Drop) -> None:
    path = drop("methods/mine.py", "import no_such_package\n\n" + MINE)
    with pytest.raises(BenchError, match=f"^{path} cannot be imported: No module named 'no_such"):
        catalog.load("methods", "mine")


def test_an_entry_point_without_its_class_is_a_sentence(drop: Drop) -> None:
    root = drop("methods/unused.py", MINE).parents[2]
    (root / "faraway.py").write_text(MINE)
    install(root, "faraway", "[facesr.methods]\nblur = faraway:Gone\n")
    with pytest.raises(BenchError, match=r"faraway\.py has no class named 'Gone'"):
        catalog.load("methods", "blur")


def test_a_file_with_two_classes_and_neither_named_like_it_is_refused(drop: Drop) -> None:
    drop("methods/two_faced.py", "class A(Method): ...\nclass B(Method): ...\n")
    sentence = r"defines A, B; name the class of the method like the file: TwoFaced"
    with pytest.raises(BadName, match=sentence):
        catalog.load("methods", "two_faced")


def test_two_files_of_one_name_are_refused(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = drop("methods/mine.py", MINE)
    other = path.parents[3] / "other"
    (other / "facesr/methods").mkdir(parents=True)
    (other / "facesr/methods/mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(other)
    catalog._found.cache_clear()
    with pytest.raises(BadName, match="two methods are named 'mine': "):
        catalog.names("methods")


def test_an_entry_point_is_listed_described_and_loaded(drop: Drop) -> None:
    root = drop("methods/unused.py", MINE).parents[2]
    package = root / "outside"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('listing imported this')\n")
    (package / "blur.py").write_text(MINE)
    install(root, "outside", "[facesr.methods]\nblur = outside.blur:Mine\n")
    assert "blur" in catalog.names("methods")
    assert catalog.describe("methods", "blur").title == "My Method"
    (package / "__init__.py").write_text("")
    assert catalog.load("methods", "blur").__module__ == "outside.blur"


def test_an_entry_point_that_takes_a_name_of_ours_is_refused(drop: Drop) -> None:
    root = drop("methods/mine.py", MINE).parents[2]
    install(root, "outside", "[facesr.methods]\nmine = outside.blur:Blur\n")
    with pytest.raises(BadName, match=r"'mine': facesr\.methods\.mine and outside\.blur:Blur"):
        catalog.names("methods")


def test_sources_follow_what_is_imported_but_not_the_harness(drop: Drop) -> None:
    drop("methods/mine.py", "from facesr.methods._part import part\n" + MINE)
    drop("methods/_part.py", "import facesr.methods._deep\n\npart = 1\n")
    drop("methods/_deep.py", "from facesr.bench.files import digest\n")
    assert list(catalog.sources("facesr.methods.mine")) == [
        "facesr.methods._deep",
        "facesr.methods._part",
        "facesr.methods.mine",
    ]


def test_sources_of_an_outside_package_include_its_own_helpers(drop: Drop) -> None:
    package = drop("methods/unused.py", MINE).parents[2] / "abroad"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "blur.py").write_text("import json\nfrom . import kernels\n")
    (package / "kernels.py").write_text("from abroad.numbers import one\n")
    (package / "numbers.py").write_text("one = 1\n")
    found = set(catalog.sources("abroad.blur"))
    assert found == {"abroad", "abroad.blur", "abroad.kernels", "abroad.numbers"}


def test_code_ignores_comments_docstrings_and_layout(drop: Drop) -> None:
    drop("methods/mine.py", MINE)
    before = catalog.code("facesr.methods.mine")
    reworded = MINE.replace("A method of mine", "Another").replace('"""Mine."""', '"""M."""')
    drop("methods/mine.py", "# a comment\n" + reworded.replace("(1.0, 0.5)", "(\n1.0,\n0.5)"))
    assert catalog.code("facesr.methods.mine") == before


@pytest.mark.parametrize(
    ("old", "new"), [("= 100", "= 101"), ("return lr", "return lr + 0"), ("steps:", "step:")]
)
def test_code_changes_with_the_code(drop: Drop, old: str, new: str) -> None:
    drop("methods/mine.py", MINE)
    before = catalog.code("facesr.methods.mine")
    drop("methods/mine.py", MINE.replace(old, new))
    assert catalog.code("facesr.methods.mine") != before


def test_code_changes_with_a_helper(drop: Drop) -> None:
    drop("methods/mine.py", "from facesr.methods._part import part\n")
    drop("methods/_part.py", "part = 1\n")
    before = catalog.code("facesr.methods.mine")
    drop("methods/_part.py", "part = 2\n")
    assert catalog.code("facesr.methods.mine") != before
