"""Where the pages of the site are, and the only place that makes file names of labels."""

import re
from hashlib import sha256

_LONGEST = 60


def slug(label: str) -> str:
    """Turn a label into a part of an address that every file system and browser takes.

    No two labels become one, also where capital letters do not count. A label cannot leave its
    folder.

    >>> slug("lrgan"), slug("two_step-8")
    ('lrgan', 'two_step-8')
    >>> slug("lrgan[variant=bilinear]"), slug("..")
    ('lrgan-variant-bilinear-0c9fce53', 'x-5ec1f7e7')
    """
    safe = re.sub(r"[^a-z0-9_-]+", "-", label.lower()).strip("-")[:_LONGEST]
    if safe == label and safe:
        return safe
    digest = sha256(label.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{safe or 'x'}-{digest[:8]}"


def method_page(method: str) -> str:
    """Return the page of a method, seen from the top of the site."""
    return f"methods/{slug(method)}.html"


def dataset_page(dataset: str) -> str:
    """Return the page of a data set, seen from the top of the site."""
    return f"datasets/{slug(dataset)}.html"


def anchor(protocol: str, dataset: str) -> str:
    """Return the name of a table on any page."""
    return f"{slug(protocol)}.{slug(dataset)}"


def picture_place(dataset: str, kind: str, name: str) -> str:
    """Return where a picture lies in the site."""
    return f"images/{slug(dataset)}/{slug(kind)}/{slug(name.rpartition('.')[0])}.png"
