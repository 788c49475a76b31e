"""Names to classes: ours by file, other people's by entry point; listing imports none of them."""

import ast
import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import Any, Literal

from facesr.bench.errors import BadName, BenchError

Kind = Literal["methods", "datasets", "protocols", "metrics"]
KINDS: tuple[Kind, ...] = ("methods", "datasets", "protocols", "metrics")
_PACKAGE = {
    "methods": "facesr.methods",
    "datasets": "facesr.datasets",
    "protocols": "facesr.protocols",
    "metrics": "facesr.protocols.metrics",
}
_NOUN = {"methods": "method", "datasets": "data set", "protocols": "protocol", "metrics": "metric"}
_PLUMBING = {"net", "device", "data", "cache", "limit", "workers"}


@dataclass(frozen=True)
class Entry:
    """Something that can be named on the command line.

    Args:
        name: The name, for ours the file name.
        kind: What it is.
        module: Module to import.
        path: Its source file, where it can be found without importing it.
        attribute: Name of the class; empty where the file has to tell.
    """

    name: str
    kind: Kind
    module: str
    path: Path | None
    attribute: str = ""


def names(kind: Kind) -> list[str]:
    """List what is installed, importing none of it."""
    return sorted(_found(kind))


def entry(kind: Kind, name: str) -> Entry:
    """Look up a name.

    Raises:
        BadName: If nothing of that kind has that name; near misses are suggested.
    """
    found = _found(kind)
    if name not in found:
        raise BadName(f"no {_NOUN[kind]} named {name!r}; {suggest(name, found)}")
    return found[name]


def suggest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """Say which known name was probably meant.

    >>> suggest("bicubc", ["bicubic", "lrgan"])
    "did you mean 'bicubic'?"
    """
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(sorted(known)) or 'none'}"


def load(kind: Kind, name: str) -> type[Any]:
    """Import the class registered under a name.

    Raises:
        BadName: If there is none, or its file is not valid Python.
        BenchError: If a package that it imports is absent.
    """
    found = entry(kind, name)
    attribute = found.attribute or class_node(found).name
    try:
        module = importlib.import_module(found.module)
    except Exception as error:  # a file of somebody else may raise anything
        what = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        raise BenchError(f"{found.path or found.module} cannot be imported: {what}") from error
    if not hasattr(module, attribute):
        raise BadName(f"{found.path or found.module} has no class named {attribute!r}")
    return getattr(module, attribute)


@dataclass(frozen=True)
class Listing:
    """What a list shows of an entry, read from its source without importing it.

    Args:
        name: As on the command line.
        title: Its own spelling.
        summary: The first line of its file.
        about: The fields of `About`, where given.
        settings: Field names and defaults, as written.
        trainable: Whether a method learns.
        budgets: Names of the budgets that change settings.
    """

    name: str
    title: str
    summary: str
    about: dict[str, Any]
    settings: dict[str, Any]
    trainable: bool
    budgets: tuple[str, ...]


def describe(kind: Kind, name: str) -> Listing:
    """Read what a list shows of an entry from its source."""
    found = entry(kind, name)
    if found.path is None:
        return Listing(name, name, found.module, {}, {}, trainable=True, budgets=())
    node = class_node(found)
    chain = list(ancestry(found.path, node))
    about: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    budgets: tuple[str, ...] = ()
    for ancestor in reversed(chain):
        settings |= _fields(ancestor)
        about = _about(ancestor) or about
        budgets = _budgets(ancestor) or budgets
    summary = (ast.get_docstring(_tree(found.path)) or name).partition("\n")[0].rstrip(".")
    own = [a for a in chain if a.name not in ("Method", "Dataset", "Protocol", "Metric")]
    trainable = any(
        isinstance(s, ast.FunctionDef) and s.name == "train" for a in own for s in a.body
    )
    title = about.pop("title", summary)
    return Listing(name, title, summary, about, settings, trainable, budgets)


def sources(module: str) -> dict[str, Path]:
    """Find a module's file and those of its package and ours that it imports, directly or not.

    Modules of the harness itself are left out: they decide neither weights nor scores.
    """
    followed = ("facesr.", module.partition(".")[0] + ".")
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _module_path(name)
        if name in found or path is None:
            continue
        found[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        waiting += [
            imported
            for imported in _imports(_tree(path), package)
            if f"{imported}.".startswith(followed) and not imported.startswith("facesr.bench")
        ]
    return dict(sorted(found.items()))


def code(module: str) -> str:
    """Return the source of `sources(module)` without comments, docstrings and layout."""
    return "\n".join(f"{name}: {_bare(path)}" for name, path in sources(module).items())


@cache
def _found(kind: Kind) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for root in _folders(_PACKAGE[kind]):
        for path in sorted(root.glob("[!_]*.py")):
            module = f"{_PACKAGE[kind]}.{path.stem}"
            if path.stem in found:
                raise BadName(
                    f"two {kind} are named {path.stem!r}: {found[path.stem].path} and {path}"
                )
            found[path.stem] = Entry(path.stem, kind, module, path)
    for point in entry_points(group=f"facesr.{kind}"):
        if point.name in found:
            raise BadName(
                f"two {kind} are named {point.name!r}: {found[point.name].module} and {point.value}"
            )
        where = _module_path(point.module)
        found[point.name] = Entry(point.name, kind, point.module, where, point.attr)
    return found


def _folders(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(p) for p in (spec.submodule_search_locations or ())] if spec else []


def _module_path(module: str) -> Path | None:
    """Find a module's file by its place, without importing the packages around it."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    folders = [Path(place) for place in spec.submodule_search_locations or ()]
    for part in rest[:-1]:
        folders = [folder / part for folder in folders if (folder / part).is_dir()]
    endings = (f"{rest[-1]}.py", f"{rest[-1]}/__init__.py")
    files = (folder / ending for folder in folders for ending in endings)
    return next((file for file in files if file.is_file()), None)


def _tree(path: Path) -> ast.Module:
    return _parsed(path, path.stat().st_mtime_ns)


@cache
def _parsed(path: Path, _changed: int) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise BenchError(f"{path} line {error.lineno} is not valid Python: {error.msg}") from None


def _bare(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                node.body = body[1:]
    return ast.unparse(tree)  # unlike ast.dump, the same text from one Python to the next


def class_node(found: Entry) -> ast.ClassDef:
    """Find the class a file is about: the one named like the file, or its only public one."""
    assert found.path is not None
    public = [
        node
        for node in _tree(found.path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and node.bases
    ]
    wanted = found.attribute.lower() or found.name.replace("_", "").lower()
    for node in public:
        if node.name.lower() == wanted:
            return node
    if len(public) == 1:
        return public[0]
    raise BadName(
        f"{found.path} defines {', '.join(n.name for n in public) or 'no class'}; name the class "
        f"of the {_NOUN[found.kind]} like the file: {found.name.title().replace('_', '')}"
    )


def ancestry(path: Path, node: ast.ClassDef) -> Iterator[ast.ClassDef]:
    """Yield a class and its ancestors, as far as their sources can be found."""
    yield node
    tree = _tree(path)
    local = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef)}
    origin = {
        alias.asname or alias.name: (n.module, alias.name)
        for n in tree.body
        if isinstance(n, ast.ImportFrom) and n.module
        for alias in n.names
    }
    for base in node.bases:
        name = base.id if isinstance(base, ast.Name) else ""
        if name in local:
            yield from ancestry(path, local[name])
        elif name in origin and origin[name][0].split(".")[0] not in sys.stdlib_module_names:
            where = _module_path(origin[name][0])
            if where is not None:
                for other in _tree(where).body:
                    if isinstance(other, ast.ClassDef) and other.name == origin[name][1]:
                        yield from ancestry(where, other)


def _fields(node: ast.ClassDef) -> dict[str, Any]:
    """Read the dataclass fields of a class, defaults as values or as source text."""
    return {
        part.target.id: _literal(part.value)
        for part in node.body
        if isinstance(part, ast.AnnAssign)
        and isinstance(part.target, ast.Name)
        and part.target.id not in _PLUMBING
        and "ClassVar" not in ast.unparse(part.annotation)
        and "init=False" not in ast.unparse(part)
    }


def _about(node: ast.ClassDef) -> dict[str, Any]:
    call = assigned(node, "about")
    if not isinstance(call, ast.Call):
        return {}
    given = {k.arg: _literal(k.value) for k in call.keywords if k.arg}
    return ({"title": _literal(call.args[0])} if call.args else {}) | given


def _budgets(node: ast.ClassDef) -> tuple[str, ...]:
    value = assigned(node, "budgets")
    return tuple(str(_literal(k)) for k in value.keys if k) if isinstance(value, ast.Dict) else ()


def assigned(node: ast.ClassDef, name: str) -> ast.expr | None:
    """Return what a class's own body assigns to a name; None if nothing."""
    for part in node.body:
        targets = part.targets if isinstance(part, ast.Assign) else []
        if isinstance(part, ast.AnnAssign):
            targets = [part.target]
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            return part.value if isinstance(part, ast.Assign | ast.AnnAssign) else None
    return None


def _literal(value: ast.expr | None) -> Any:
    if value is None:
        return None
    try:
        return ast.literal_eval(value)
    except (ValueError, TypeError):
        return ast.unparse(value)


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            yield origin
            yield from (f"{origin}.{a.name}" for a in node.names)
