"""Low-resolution partners of prepared high-resolution faces."""

from collections.abc import Iterator

from facesr.bench.faces import Faces
from facesr.bench.files import digest, digest_of
from facesr.bench.progress import track
from facesr.datasets._degrade import degrade, generator, version
from facesr.datasets._prepared import prepared, read
from facesr.datasets._record import Made
from facesr.datasets._writer import MANIFEST


def degraded(hr: Faces, chain: str, size: int, seed: int) -> Faces:
    """Make low-resolution partners of prepared faces, once.

    Args:
        hr: Faces of a prepared folder, in any order; the partners of all in it are made.
        chain: A name of `_degrade.CHAINS`, or several joined by `+`.
        size: Side of the result.
        seed: Decides, with the name of a face, what is drawn for it.

    Returns:
        The partners, in the order of `hr`.
    """
    made_of = digest(hr.root / MANIFEST)
    drawn = {"chain": chain, "version": version(chain), "seed": seed, "size": size}
    inner = digest_of({**drawn, "of": made_of})[:12]
    folder = hr.root.with_name(f"lr-{chain}-{inner}")
    title = f"{hr.title.rpartition('/')[0]}/lr[{chain}]"

    def make() -> Iterator[Made]:
        whole = read(hr.root, hr.title)
        places = whole.landmarks if whole.landmarks is not None else [None] * len(whole)
        people = whole.identities or [None] * len(whole)
        images = track(whole.images(), f"degrading {title}", len(whole))
        for name, who, where, image in zip(whole.names, people, places, images, strict=True):
            pixels, params = degrade(image, chain, generator(seed, name), size)
            small = None if where is None else where * (size / whole.size)
            yield Made(name, pixels, who, small, params or None)

    about = {"of": {"folder": hr.root.name, "manifest": made_of}, **drawn}
    lr = prepared(folder, title, size, make, about)
    at = {name: i for i, name in enumerate(lr.names)}
    return lr.take([at[name] for name in hr.names])
