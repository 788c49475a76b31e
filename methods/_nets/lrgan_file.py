"""The key layout of LRGAN's published `model.pkl`."""

import re

from torch import Tensor

_PLAIN = {"layers_in": "first", "a1.0": "skip", "a2.0": "unused"}
_PATTERNS = (
    (r"layers_set_final\.(\d)\.(\d+)\.(bn1|conv1|bn2|conv2|skip)\.", r"groups.\1.\2.\3."),
    (r"layers_set_final_up\.(\d)\.1\.", r"norms.\1."),
    (r"layers_set_final_up\.(\d)\.3\.", r"mixes.\1."),
)


def from_released(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the entries of `model.pkl` for `ReleasedLowToHigh`.

    Its 1x1 transposed convolutions store (in, out, 1, 1), so those weights are transposed. Batch
    counters, which files of that age lack, become zero.

    Args:
        state: A plain state dict.
    """
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        name = _renamed(key)
        if name.startswith("mixes.") and name.endswith(".weight"):
            value = value.transpose(0, 1).contiguous()
        renamed[name] = value
    for name in [n for n in renamed if n.endswith(".running_mean")]:
        counter = name.replace("running_mean", "num_batches_tracked")
        renamed.setdefault(counter, renamed[name].new_zeros(()).long())
    return renamed


def _renamed(key: str) -> str:
    for ours_of, ours in _PLAIN.items():
        if key.startswith(f"{ours_of}."):
            return f"{ours}{key[len(ours_of) :]}"
    if key.startswith("main."):
        return re.sub(r"main\.(\d)\.", lambda m: f"last.{int(m[1]) // 2}.", key)
    for pattern, ours in _PATTERNS:
        if re.match(pattern, key):
            return re.sub(pattern, ours, key, count=1)
    return key
