"""Learning to recognise faces: softmax and centre loss, and batches that know who is shown.

Wen, Zhang, Li, Qiao, "A discriminative feature learning approach for deep face recognition",
ECCV 2016.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from facesr.bench.contract import Split
from facesr.bench.errors import BadData
from facesr.bench.faces import Faces
from facesr.methods._train.augment import Augment
from facesr.methods._train.data import Feed

CENTRE_WEIGHT = 0.003  # lambda in Eq. 5; Section 4.1 finds it best of those tried
CENTRE_RATE = 0.5  # alpha in Eq. 4; likewise


def centre_loss(features: Tensor, labels: Tensor, centres: Tensor) -> Tensor:
    """Half the squared distance of features to the centres of their classes (Eq. 2).

    Inferred: averaged over the batch, where the equation sums, so that the weight holds for
    batches of any size.

    Args:
        features: (n, d).
        labels: Classes, (n,), int64.
        centres: (classes, d).
    """
    return (features - centres[labels]).square().sum(1).mean() / 2


@torch.no_grad()
def moved_centres(features: Tensor, labels: Tensor, centres: Tensor, rate: float) -> Tensor:
    """Move the centres of the classes of a batch towards its features (Eqs. 3 and 4).

    Args:
        features: (n, d).
        labels: Classes, (n,), int64.
        centres: (classes, d).
        rate: alpha in Eq. 4.

    Returns:
        New centres, (classes, d); those of other classes stay.
    """
    away = torch.zeros_like(centres).index_add_(0, labels, centres[labels] - features)
    counts = torch.bincount(labels, minlength=len(centres))[:, None]
    return centres - rate * away / (1 + counts)


class Classifier(nn.Module):
    """What an embedder needs to be trained: a linear classifier, and a centre for each person.

    Args:
        features: Length of a feature.
        people: How many people there are.
    """

    centres: Tensor

    def __init__(self, features: int, people: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, people)
        self.register_buffer("centres", torch.zeros(people, features))

    def losses(self, features: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the weighted terms of Eq. 5 and move the centres.

        Args:
            features: (n, d).
            labels: Classes, (n,), int64.
        """
        softmax = cross_entropy(self.linear(features).float(), labels)
        centre = centre_loss(features, labels, self.centres)
        self.centres.copy_(moved_centres(features.detach(), labels, self.centres, CENTRE_RATE))
        return {"softmax": softmax, "centre": CENTRE_WEIGHT * centre}


class LabelledFeed(Feed):
    """A feed that also tells who is shown on high-resolution faces.

    Args:
        data: The training split; `data.hr.identities` may be None if `labelled` is not called.
        seed: See `Feed`.
        device: See `Feed`.
        augment: See `Feed`.
    """

    def __init__(
        self,
        data: Split,
        seed: int,
        device: torch.device,
        *,
        augment: Mapping[str, Augment] | None = None,
    ) -> None:
        super().__init__(data, seed, device, augment=augment)
        who = data.hr.identities or ()
        number = {person: i for i, person in enumerate(sorted(set(who)))}
        self.people = len(number)
        self._labels = torch.tensor([number[person] for person in who], dtype=torch.int64)

    def labelled(self, n: int) -> tuple[Tensor, Tensor]:
        """Return the next high-resolution faces and who is shown.

        Returns:
            (n, 3, h, w), float32, and classes from 0 to `people - 1`, (n,), int64.
        """
        positions = self._orders["hr"].peek(n)
        return self.hr(n), self._labels[positions].to(self.device)


def require_identities(faces: Faces, name: str, instead: str) -> None:
    """Require faces of which is known who is shown, and of two people or more.

    Args:
        faces: High-resolution training faces.
        name: Name of the method, for the message.
        instead: What to do without them, for the message: a clause such as "set a.b=none".

    Raises:
        BadData: If there is nothing to learn recognition from.
    """
    needs = f"{name} trains a face recogniser on the high-resolution faces"
    give = f"give it a data set that names people (in a folder: identities.csv), or {instead}"
    if faces.identities is None:
        raise BadData(f"{needs}, but {faces.title or faces.root} does not say who is shown; {give}")
    if len(people := set(faces.identities)) < 2:
        only = f"shows only {people.pop()!r}" if people else "shows nobody"
        raise BadData(f"{needs}, but {faces.title or faces.root} {only}; {give}")
