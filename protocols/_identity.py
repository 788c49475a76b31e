"""Names of measurements: two numbers may stand in one column only if their identities agree."""

from facesr.bench.faces import Faces

DIGITS = 8


def versions(*parts: int) -> str:
    """Join the versions of all code that decides a number, a metric's own first.

    >>> versions(2, 1)
    '2.1'
    """
    return ".".join(map(str, parts))


def identity(
    name: str,
    *marks: str,
    version: int | str,
    reference: Faces | None = None,
    **parameters: object,
) -> str:
    """Write down everything that decides a number, always in the same order.

    Args:
        name: The metric.
        *marks: Words that need no name, such as `onet@1b3ed1e0`.
        version: Raised whenever the code leads to another number, interval or samples.
        reference: Faces that the number depends on besides the measured ones.
        **parameters: Settings of the metric.

    >>> identity("psnr", "y", crop=0, version=1)
    'psnr[y,crop=0,v1]'
    """
    parts = [*marks, *(f"{key}={value}" for key, value in parameters.items())]
    if reference is not None:
        parts.append(f"ref={reference.title}@{reference.fingerprint[:DIGITS]}")
    return f"{name}[{','.join([*parts, f'v{version}'])}]"
