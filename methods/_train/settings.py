"""What settings and training faces every learned method may be given."""

from collections.abc import Sequence

from facesr.bench.contract import Method, Split
from facesr.bench.errors import BadData, BadName, BenchError


def name_of(method: Method) -> str:
    """Return the name of a method on the command line, that of its file."""
    return type(method).__module__.rpartition(".")[2]


def require_known(method: Method, **known: Sequence[str]) -> None:
    """Require settings to have one of some values.

    Raises:
        BadName: With the values that are known.
    """
    for name, values in known.items():
        if (value := getattr(method, name)) not in values:
            raise BadName(f"{name_of(method)} has no {name} {value!r}; known: {', '.join(values)}")


def require_scale(method: Method, *scales: int) -> None:
    """Require the factor to be one of some.

    Raises:
        BenchError: If it is not.
    """
    if method.scale not in scales:
        only = " or ".join(map(str, scales))
        raise BenchError(f"{name_of(method)} enlarges by {only} only, {method.scale} was asked for")


def require_positive(method: Method, *names: str) -> None:
    """Require settings to be above zero, where they are given.

    Raises:
        BenchError: If one is not.
    """
    for name in names:
        value = getattr(method, name)
        if value is not None and not value > 0:
            raise BenchError(f"{name_of(method)}.{name} is {value}, expected a positive number")


def require_no_negative(method: Method, *names: str) -> None:
    """Require settings to be zero or above.

    Raises:
        BenchError: If one is not.
    """
    for name in names:
        if not (value := getattr(method, name)) >= 0:
            raise BenchError(f"{name_of(method)}.{name} is {value}, expected no negative number")


def require_share(method: Method, *names: str) -> None:
    """Require settings to be at least 0 and below 1.

    Raises:
        BenchError: If one is not.
    """
    for name in names:
        if not 0 <= (value := getattr(method, name)) < 1:
            raise BenchError(
                f"{name_of(method)}.{name} is {value}, expected a number from 0 to below 1"
            )


def require_sizes(method: Method, data: Split, multiple: int = 1, least: int = 1) -> None:
    """Require training faces whose sides differ by the factor of the method.

    Args:
        method: Who asks.
        data: The training split.
        multiple: What the high-resolution side must be a multiple of.
        least: Smallest low-resolution side, in pixels.

    Raises:
        BadData: If the sizes do not fit.
    """
    lr, hr = data.lr.size, data.hr.size
    if hr != lr * method.scale or hr % multiple or lr < least:
        fits = (n for n in range(max(16, least), 4096) if n * method.scale % multiple == 0)
        example = next(fits)
        raise BadData(
            f"{name_of(method)} was given faces of {lr} and {hr} px, expected {method.scale} times "
            f"as many on the high side and {least} or more on the low side, such as {example} and "
            f"{example * method.scale}"
        )
