"""The second step as a whole: the principal normal, and from a face to a better one (section 5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from facesr.bench.files import write_json
from facesr.methods._nets.two_step import Whole
from facesr.methods._nets.weights import keep
from facesr.methods._projection import Projector, blend, pull, push, score, weight_of_w
from facesr.methods._svm import accuracy, linear_svm
from facesr.methods._train.data import derived_seed

_HELD_OUT = 0.3  # share of the codes on which the plane is checked
_AT_ONCE = 32


@dataclass(frozen=True)
class Edited:
    """Codes of restored faces and how well they were found.

    Args:
        codes: Of W+, (n, latents, style).
        errors: Of the projections into W, (n,).
        errors_plus: Of the projections into W+, (n,).
    """

    codes: Tensor
    errors: Tensor
    errors_plus: Tensor


def restore(
    faces: Tensor, net: Whole, projector: Projector, by: float, gamma: float, gamma_plus: float
) -> Edited:
    """Find codes of faces and interpolate between them.

    Inferred: the search in W+ begins at the code found in W; the move along the normal (Eq. 6)
    comes before that towards the mean (Eq. 9).

    Args:
        faces: Results of the first step, (n, 3, h, h) in [-1, 1].
        net: Holds mean and normal.
        projector: Searches.
        by: How far codes move along the principal normal, as a share of the distance between the
            mean codes of both classes along it.
        gamma: Share of the way to the mean for codes of W.
        gamma_plus: The same for codes of W+.
    """
    style, latents = net.mean.shape[0], projector.generator.latents
    start = net.mean.expand(len(faces), style)
    w = projector.project(faces, start, "projecting into W")
    start = w.codes[:, None].expand(-1, latents, -1)
    plus = projector.project(faces, start, "projecting into W+")
    step = by * net.gap
    codes = pull(push(w.codes, net.normal, step), net.mean, gamma)
    codes_plus = pull(push(plus.codes, net.normal, step), net.mean, gamma_plus)
    mixed = blend(codes, codes_plus, weight_of_w(w.errors, plus.errors))
    return Edited(mixed, w.errors, plus.errors)


def find_normal(
    net: Whole, projector: Projector, mid: Tensor, hr: Tensor, c: float, seed: int, out: Path
) -> None:
    """Fill `normal` and `gap` of a network with what separates restored from real faces.

    A linear SVM learns from 70 % of the codes of both classes in W; `normal.json` says how it does
    on the rest. Codes are kept in `codes/` as they are found.

    Args:
        net: Whose buffers are filled.
        projector: Searches codes.
        mid: Results of the first step, (n, 3, h, h) in [-1, 1].
        hr: Real faces of the same size.
        c: Weight of the SVM's slack.
        seed: Decides which codes are held out.
        out: Folder of the training.
    """
    sides = ("restored", mid), ("real", hr)
    found = [torch.cat(list(_codes(net, projector, x, out, side))) for side, x in sides]
    codes = torch.cat(found)
    real = torch.arange(len(codes)) >= len(found[0])
    dice = torch.Generator().manual_seed(derived_seed(seed, "held out"))
    order = torch.randperm(len(codes), generator=dice)
    held, kept = order.tensor_split([int(len(codes) * _HELD_OUT)])
    normal, offset = linear_svm(codes[kept], real[kept], c)
    low, high = (score(x, normal).mean() for x in found)
    net.normal.copy_(normal)
    net.gap.copy_(high - low)
    seen = {"learned": accuracy(codes[kept], real[kept], normal, offset)}
    seen |= {"held_out": accuracy(codes[held], real[held], normal, offset)} if len(held) else {}
    write_json(out / "normal.json", {"accuracy": seen, "codes": len(codes), "gap": net.gap.item()})


def _codes(
    net: Whole, projector: Projector, faces: Tensor, out: Path, side: str
) -> Iterator[Tensor]:
    for i, part in enumerate(faces.split(_AT_ONCE)):
        path = out / "codes" / f"{side}_{i:03}.safetensors"
        if not path.is_file():
            start = net.mean.expand(len(part), -1)
            codes = projector.project(part, start, f"projecting {side} faces").codes
            keep({"codes": codes}, path)
        yield load_file(path)["codes"].to(faces.device)
