"""A twin of CelebA, aligned and cropped.

Layout: `Img/img_align_celeba/000001.jpg` (178x218), `Anno/` with `identity_CelebA.txt`,
`list_landmarks_align_celeba.txt`, `list_bbox_celeba.txt` and `list_attr_celeba.txt`,
`Eval/list_eval_partition.txt`; `write_flat` puts the lists beside `img_align_celeba/`, as
torchvision expects them. The lists start with a count and a line of column names (but not the
identities and the partition); columns are padded as in the published samples, `list_attr` has a
space at the end of its names (which gives torchvision's `attr_names` an empty last entry).
Partitions 0, 1, 2 are train, val, test, ranges of the file numbers, disjoint in people. Boxes are
of the photographs in the wild, which nobody who has only the aligned set can use.

Inferred: line feeds as line ends; where a landmark lies within its pixel.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from facesr.datasets._toys._draw import Who, aligned, save, write_lines
from facesr.datasets._toys._truth import Face, Truth, survey

_TEMPLATE = np.array([[69, 111], [108, 111], [88, 135], [71, 152], [106, 152]], np.float64)
_POINTS = ("lefteye", "righteye", "nose", "leftmouth", "rightmouth")
_ATTRIBUTES = (
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose "
    "Black_Hair Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee "
    "Gray_Hair Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard "
    "Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair "
    "Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young"
)
_PARTS = ("train", "val", "test")


def write(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write the set in the folders of its authors; see `Writer`."""
    folders = {"Img": "Img/", "Anno": "Anno/", "Eval": "Eval/"}
    return _write("celeba", folders.__getitem__, root, seed, people, shots, size)


def write_flat(
    root: Path, seed: int = 0, people: int = 12, shots: int = 3, size: int | None = None
) -> Truth:
    """Write the set with all lists beside the folder of images; see `Writer`."""
    return _write("celeba:flat", lambda _: "", root, seed, people, shots, size)


def _write(
    name: str,
    folder: Callable[[str], str],
    root: Path,
    seed: int,
    people: int,
    shots: int,
    size: int | None,
) -> Truth:
    width = size or 178
    scale = width / 178
    order = _order(seed, people, shots)
    lists: dict[str, list[str]] = {
        "identity": [],
        "landmarks": [],
        "bbox": [],
        "attr": [],
        "part": [],
    }
    faces = []
    for number, (who, part) in enumerate(order, 1):
        file = f"{number:06d}.jpg"
        photo = aligned(seed, who, width, round(218 * scale), _TEMPLATE * scale)
        path = f"{folder('Img')}img_align_celeba/{file}"
        save(photo.pixels, root / path)
        points = photo.faces[0].five.round().astype(int)
        first, *rest = points.ravel().tolist()
        attributes = [1 if (who.identity + k) % 3 == 0 else -1 for k in range(40)]
        box = (95 + number, 71 + number, 226, 313)
        lists["identity"].append(f"{file} {_identity(who)}")
        lists["landmarks"].append(f"{file} {first}" + "".join(f"{v:5d}" for v in rest))
        lists["bbox"].append(f"{file}{box[0]:6d}{box[1]:4d}{box[2]:4d}{box[3]:4d}")
        lists["attr"].append(file + "".join(f"{v:3d}" for v in attributes))
        lists["part"].append(f"{file} {part}")
        labels = {"partition": part, "Male": attributes[20]}
        faces.append(
            Face(
                path,
                photo.faces[0].five,
                landmarks=points.astype(np.float64),
                identity=_identity(who),
                part=_PARTS[part],
                labels=labels,
            )
        )
    count = str(len(order))
    columns = " ".join(f"{point}_{axis}" for point in _POINTS for axis in "xy")
    anno = root / folder("Anno")
    write_lines(anno / "identity_CelebA.txt", lists["identity"])
    write_lines(anno / "list_landmarks_align_celeba.txt", [count, columns, *lists["landmarks"]])
    write_lines(
        anno / "list_bbox_celeba.txt", [count, "image_id x_1 y_1 width height", *lists["bbox"]]
    )
    write_lines(anno / "list_attr_celeba.txt", [count, _ATTRIBUTES + " ", *lists["attr"]])
    write_lines(root / folder("Eval") / "list_eval_partition.txt", lists["part"])
    return Truth(name, tuple(faces), *survey(root))


def _identity(who: Who) -> str:
    return str(2880 + 57 * who.identity)


def _order(seed: int, people: int, shots: int) -> list[tuple[Who, int]]:
    """Mix the pictures of each partition, so that those of one person are scattered."""
    rng = np.random.default_rng(seed)
    ends = [0, *(max(1, people * share // 6) for share in (4, 5)), people]
    order = []
    for part in range(3):
        ids = range(ends[part], ends[part + 1])
        crew = [Who(i, n) for i in ids for n in range(shots)]
        order += [(crew[k], part) for k in rng.permutation(len(crew))]
    return order
