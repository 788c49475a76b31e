"""PIPA: `index.txt`.

Zhang, Paluri, Taigman, Fergus and Bourdev, "Beyond Frontal Faces: Improving Person Recognition
Using Multiple Cues", CVPR 2015. Layout: the release's own `index.txt` and its public readers
(subsets 0 left over, 1 train, 2 validation, 3 test): one head per line,
`photoset_id photo_id xmin ymin width height identity_id subset_id`. The photo is
`{leftover,train,val,test}/PHOTOSET_PHOTO.jpg`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from facesr.datasets._formats.lines import Bad, Lines, Source, fields, rows, shown, whole

SUBSETS = ("leftover", "train", "val", "test")


@dataclass(frozen=True, slots=True)
class Head:
    """A head on a photo, with who it is.

    Args:
        photoset: Flickr's number of the album, digits.
        photo: Flickr's number of the photo, digits.
        x: Left edge, in pixels; may lie outside the photo.
        y: Upper edge, in pixels; may lie outside the photo.
        w: Width, in pixels.
        h: Height, in pixels.
        identity: Number of the person.
        subset: Index into `SUBSETS`.
    """

    photoset: str
    photo: str
    x: int
    y: int
    w: int
    h: int
    identity: int
    subset: int

    @property
    def path(self) -> str:
        """Path of the photo, relative to the data set."""
        return f"{SUBSETS[self.subset]}/{self.photoset}_{self.photo}.jpg"


def heads(source: Source, bad: Bad) -> Iterator[Head]:
    """Read `index.txt`, one head per line.

    Raises:
        BadData: If no head can be read.
    """
    return rows(Lines(source, "a PIPA index (8 numbers per line)", bad), _head)


def _head(text: str) -> Head:
    photoset, photo, x, y, w, h, identity, subset = fields(text, 8)
    for digits in (photoset, photo):
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 24):
            raise ValueError(f"{shown(digits)} is not a number of Flickr")
    return Head(
        photoset,
        photo,
        whole(x),
        whole(y),
        whole(w),
        whole(h),
        whole(identity, 0),
        whole(subset, 0, 3),
    )
