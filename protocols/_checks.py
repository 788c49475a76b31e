"""Sentences for faces that a metric cannot measure."""

from facesr.bench.errors import BadData
from facesr.bench.faces import Faces


def some(faces: Faces, metric: str) -> Faces:
    """Insist on at least one face.

    Raises:
        BadData: If there is none.
    """
    if not len(faces):
        raise BadData(f"{called(faces)} holds no face, so there is no {metric}")
    return faces


def given(reference: Faces | None, metric: str) -> Faces:
    """Insist on reference faces.

    Raises:
        BadData: If there are none.
    """
    if reference is None:
        raise BadData(f"{metric} compares with real faces; name a folder of them (--reference)")
    return some(reference, metric)


def too_few(sr: Faces, reference: Faces, least: int) -> str:
    """Say in a sentence which set is too small for statistics; empty if neither is."""
    for faces in (sr, reference):
        if len(faces) < least:
            return f"needs at least {least} faces; {called(faces)} holds {len(faces)}"
    return ""


def too_small(sr: Faces, least: int, crop: int = 0) -> str:
    """Say in a sentence that faces, cropped all around, are too small; empty if they are not."""
    side = max(0, sr.size - 2 * crop)
    if side >= least:
        return ""
    cropped = f" after cropping {crop}" if crop else ""
    return f"defined from {least} pixel{'s' * (least > 1)} on, these faces have {side}{cropped}"


def same_size(sr: Faces, reference: Faces, metric: str) -> Faces:
    """Insist on one size, because resizing either side would change the number.

    Returns:
        The reference.

    Raises:
        BadData: If the sizes differ, or there is nothing to measure.
    """
    if some(sr, metric).size != reference.size:
        raise BadData(
            f"{called(sr)} has {sr.size}x{sr.size} faces, its reference {called(reference)} has "
            f"{reference.size}x{reference.size}; {metric} needs equal sizes"
        )
    return reference


def same_names(sr: Faces, reference: Faces, metric: str) -> Faces:
    """Insist that each face stands beside its original.

    Returns:
        The reference.

    Raises:
        BadData: If names or their order differ.
    """
    if sr.stems == reference.stems:
        return reference
    extra, lacking = set(sr.stems) - set(reference.stems), set(reference.stems) - set(sr.stems)
    if extra:
        what = f"{len(extra)} have no original, such as {min(extra)}"
    elif lacking:
        what = f"{len(lacking)} originals have no partner, such as {min(lacking)}"
    else:
        what = "the order differs"
    raise BadData(
        f"{metric} compares each face with its original, but the names in {called(sr)} and "
        f"{called(reference)} do not agree: {what}"
    )


def called(faces: Faces) -> str:
    """Return the title of faces, or their folder where they have none."""
    return faces.title or str(faces.root)
