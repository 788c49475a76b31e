"""Data sets on their way onto a board: prepared, checked, shown in the run folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facesr.bench.contract import Dataset, Protocol, Split
from facesr.bench.errors import BenchError
from facesr.bench.faces import Faces, read_image, write_png
from facesr.bench.steps import Say
from facesr.bench.store import Store, shown


@dataclass
class Ready:
    """A data set whose test part is prepared; the training part follows when first asked for.

    Args:
        label: Its name on the board.
        dataset: The data set.
        test: Its test part.
    """

    label: str
    dataset: Dataset
    test: Split
    _train: Split | BenchError | None = None

    @property
    def train(self) -> Split:
        """The training part.

        Raises:
            BenchError: If it cannot be used; the same sentence each time.
        """
        if self._train is None:
            try:
                self._train = self.dataset.split("train")
            except BenchError as error:
                self._train = error
        if isinstance(self._train, BenchError):
            raise self._train
        return self._train

    def about(self) -> dict[str, Any]:
        """Return what a row records of its data set."""
        about = type(self.dataset).about
        return {
            "dataset": about.title if about else self.label,
            "licence": about.licence if about else "",
            "shareable": about.shareable if about else False,
            "limit": self.dataset.limit,
            "notes": list(self.test.notes),
            "partial": self._partial(),
        }

    def _partial(self) -> str:
        train = self._train.partial if isinstance(self._train, Split) else ""
        return "; ".join(filter(None, (train, self.test.partial)))


def prepare(label: str, dataset: Dataset, protocol: Protocol, store: Store, say: Say) -> Ready:
    """Get the test part of a data set ready and keep its inputs in the run folder.

    Raises:
        BenchError: If files are absent or unusable, with a sentence that names them.
    """
    if absent := dataset.missing():
        raise BenchError(absent)
    test = dataset.split("test")
    sizes = (protocol.lr_size, protocol.lr_size * protocol.scale)
    for half, faces, size in zip(("lr", "hr"), (test.lr, test.hr), sizes, strict=True):
        if not len(faces):
            raise BenchError(f"the test part has no {half} faces")
        if faces.size != size:
            raise BenchError(
                f"{half} faces of the test part are {faces.size} px, expected {size} px"
            )
    if not test.paired and any(metric.needs == "pairs" for metric in protocol.metrics()):
        raise BenchError("the protocol compares with originals, which these faces do not have")
    say(
        f"  {label}: {len(test.lr)} test inputs of {test.lr.size} px, {len(test.hr)} "
        f"{'originals' if test.paired else 'reference faces'} of {test.hr.size} px"
    )
    for note in test.notes:
        say(f"    {note}")
    for faces, folder in ((test.lr, store.inputs(label)), (_few(test.hr), store.real(label))):
        with store.locked(folder, label, say):
            _keep(faces, folder)
    return Ready(label, dataset, test)


def _few(faces: Faces) -> Faces:
    """Choose the faces that a report shows."""
    names = [f"{stem}.png" for stem in faces.stems]
    chosen = set(shown(names))
    return faces.take([i for i, name in enumerate(names) if name in chosen])


def _keep(faces: Faces, folder: Path) -> None:
    """Copy faces into the run folder, so that it explains itself."""
    names = [f"{stem}.png" for stem in faces.stems]
    for path in set(folder.glob("*.png")) - {folder / name for name in names}:
        path.unlink(missing_ok=True)
    for name, pixels in zip(names, faces.images(), strict=True):
        if not (folder / name).is_file() or not np.array_equal(read_image(folder / name), pixels):
            write_png(pixels, folder / name)
