"""Comparisons of `exactness.py`: detection, landmarks and identity."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from facesr.bench import assets
from facesr.bench.detectors._base import detector
from facesr.bench.faces import Faces
from facesr.protocols.features.embedders import embedder_named, embeddings
from facesr.protocols.features.found import framed
from facesr.protocols.metrics._trials import trials
from facesr.protocols.metrics.cosine import Cosine
from facesr.protocols.metrics.detection import detected
from facesr.protocols.metrics.identification import Identification
from facesr.protocols.metrics.landmarks import Landmarks
from facesr.protocols.metrics.verification import Verification

if TYPE_CHECKING:  # mypy's names; pyright looks among installed packages first
    from tests.protocols.references import (  # pyright: ignore[reportMissingImports]
        Found,
        Pixels,
        Sets,
        Unable,
        Values,
        check,
        images,
        module,
        number,
        samples,
    )
else:  # torch-fidelity installs another package named `tests`
    sys.path.append(str(Path(__file__).parent))
    from references import (
        Found,
        Pixels,
        Sets,
        Unable,
        Values,
        check,
        images,
        module,
        number,
        samples,
    )


# detection


def _photos(sets: Sets) -> list[Pixels]:
    return [framed(image) for image in sets.made().images()]


@check("detection[hog]", "dlib-bin", "get_frontal_face_detector", 0)
def _hog(sets: Sets) -> Found:
    finds = module("dlib").get_frontal_face_detector()
    theirs = []
    for image in sets.made().images():
        large = np.asarray(Image.fromarray(image).resize((128, 128), Image.Resampling.BICUBIC))
        rows = np.clip(np.arange(-16, 144), 0, 127)
        theirs.append(len(finds(large[rows[:, None], rows], 0)) > 0)
    return Found(detected(images(sets.made())), theirs, len(theirs))


def _surest(name: str, sets: Sets, theirs: Callable[[Pixels], Values | None]) -> Found:
    """Compare the surest face of each crop: confidence, box and points, in pixels."""
    finds, mine, other = detector(name), [], []
    if why := finds.missing():
        raise Unable(why)
    crops = _photos(sets)
    for crop, found in zip(crops, finds.find(crops), strict=True):
        row, nothing = theirs(crop), np.full(15, -1.0)
        place = np.r_[found.boxes[0], found.points[0].ravel()] if len(found) else nothing[1:]
        mine.append(np.r_[found.scores[0], place] if len(found) else nothing)
        other.append(nothing if row is None else row)
    return Found(mine, other, len(crops))


@check("detection[yunet], landmarks[yunet]", "opencv-python-headless", "FaceDetectorYN", 1e-3)
def _yunet(sets: Sets) -> Found:
    if why := detector("yunet").missing():
        raise Unable(why)
    path = str(assets.find("yunet"))
    reference = module("cv2").FaceDetectorYN.create(path, "", (160, 160), 0.6, 0.3, 5000)

    def theirs(crop: Pixels) -> Values | None:
        _, rows = reference.detect(np.ascontiguousarray(crop[..., ::-1]))
        if rows is None:
            return None
        row = rows[0].astype(np.float64)
        return np.r_[row[14], row[:2], row[:2] + row[2:4], row[4:14]]

    return _surest("yunet", sets, theirs)


@check("detection[retinaface], landmarks[retinaface]", "facexlib", "RetinaFace, float32", 1e-3)
def _retinaface(sets: Sets) -> Found:
    if why := detector("retinaface").missing():
        raise Unable(why)
    path = assets.find("retinaface")
    net = module("facexlib.detection.retinaface").RetinaFace("mobile0.25", device="cpu")
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))

    def theirs(crop: Pixels) -> Values | None:
        rows = net.detect_faces(crop[..., ::-1].copy(), conf_threshold=0.5, nms_threshold=0.4)
        return np.r_[rows[0, 4], rows[0, :4], rows[0, 5:]] if len(rows) else None

    return _surest("retinaface", sets, theirs)


@check("landmarks[mtcnn]", "facenet-pytorch", "MTCNN called directly and a double loop", 1e-9)
def _landmarks(sets: Sets) -> Found:
    net = (
        module("facenet_pytorch")
        .MTCNN(keep_all=True, min_face_size=30, thresholds=[0.6, 0.7, 0.7], device="cpu")
        .double()
    )
    sr, hr = sets.made(), sets.real()
    places = []
    for faces in (sr, hr):
        found = [net.detect(Image.fromarray(framed(i)), landmarks=True) for i in faces.images()]
        places.append([_best(*each) for each in found])
    theirs = []
    for points, truth in zip(*places, strict=True):
        if truth is None:
            continue
        apart, total = float(np.hypot(*(truth[1] - truth[0]))), 0.0
        for k in range(5):
            total += 100.0 if points is None else float(np.hypot(*(points[k] - truth[k])))
        theirs.append(100 * min(total / 5, apart) / apart)
    return Found(samples(Landmarks("mtcnn"), sr, hr), theirs, len(theirs))


def _best(boxes: Values | None, scores: Values, points: Values) -> Values | None:
    return None if boxes is None else np.asarray(points[int(np.argmax(scores))], np.float64)


# identity


def _embedder() -> str:
    """Return the embedder whose weights are here, else one that needs none."""
    return "pooled" if embedder_named("face_reid_0095").missing() else "face_reid_0095"


@check("cosine", "", "scalar product and lengths, picture by picture", 1e-9)
def _cosine(sets: Sets) -> Found:
    sr, hr, name = sets.made(), sets.real(), _embedder()
    x, y = (_vectors(faces, name) for faces in (sr, hr))
    theirs = [sum(a * b) / np.sqrt(sum(a * a) * sum(b * b)) for a, b in zip(x, y, strict=True)]
    return Found(samples(Cosine(name), sr, hr), theirs, len(sr))


def _vectors(faces: Faces, name: str) -> Values:
    """Ask the network face by face, without the cache."""
    net = embedder_named(name)
    return torch.cat([net(batch) for batch in faces.batches(1)]).double().numpy()


@check("verification", "", "ten folds in a loop, every threshold tried", 1e-9)
def _verification(sets: Sets) -> Found:
    faces, pairs = sets.pairs()
    name, at = _embedder(), {stem: i for i, stem in enumerate(faces.stems)}
    x = _vectors(faces, name)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    scores = np.array([float(x[at[p.left]] @ x[at[p.right]]) for p in pairs])
    same = np.array([pair.same for pair in pairs])
    fold = trials(faces, pairs).fold
    right = np.zeros(len(pairs), bool)
    for each in sorted(set(fold.tolist())):
        known, truth = scores[fold != each], same[fold != each]
        ranked = np.sort(known)
        tried = (ranked[1:] + ranked[:-1]) / 2
        rates = [(known[truth] >= t).mean() + (known[~truth] < t).mean() for t in tried]
        limit = tried[int(np.argmax(np.round(rates, 12)))]
        right[fold == each] = (scores[fold == each] >= limit) == same[fold == each]
    theirs = 50 * (right[same].mean() + right[~same].mean())
    return Found(number(Verification(name).judged(faces, faces, pairs)), theirs, len(faces))


@check("identification", "", "every probe against every gallery picture, in a loop", 1e-9)
def _identification(sets: Sets) -> Found:
    sr, hr, name = sets.made(), sets.real(), _embedder()
    first: dict[str, int] = {}
    people = tuple(f"p{i // 2}" for i in range(len(sr)))  # neighbours pass for one person
    sr, hr = (Faces(f.root, f.names, f.size, f.title, people) for f in (sr, hr))
    for i, who in enumerate(people):
        first.setdefault(who, i)
    probes = [i for i in range(len(sr)) if i not in first.values()]
    x, y = (embeddings(faces, embedder_named(name)) for faces in (sr, hr))
    hits = [max(first, key=lambda who: float(x[i] @ y[first[who]])) == people[i] for i in probes]
    return Found(number(Identification(name).score(sr, hr)), 100 * np.mean(hits), len(sr))
