from collections.abc import Callable

import pytest

from facesr.bench.errors import BadName, BenchError
from facesr.bench.testing import check_method, check_named

Add = Callable[[str, str, str], None]
HEAD = '''
"""Broken."""
from dataclasses import dataclass
import torch
from torch import nn
from facesr.bench.contract import Method
'''


def test_good_methods_pass(toys: Add) -> None:
    assert len(check_named("repeat")) == 7
    assert len(check_named("tint")) == 9
    assert check_named("facesr.methods.tint:Tint") == check_named("tint")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("def upscale(self, lr): return lr", "expected"),
        ("def upscale(self, lr): return big(lr).double()", "float64"),
        ("def upscale(self, lr): return big(lr) / 0", "NaN"),
        ("def upscale(self, lr): return big(lr) * 2 - 1", "expected 0 to 1"),
        ("def upscale(self, lr): raise KeyError('x')", "raised KeyError"),
        ("def upscale(self, lr): return big(lr) * lr.mean()", "neighbours"),
        ("def upscale(self, lr): return big(lr) * torch.rand(1)", "second time"),
        (
            "def __post_init__(self): self.net = nn.Conv2d(3, 3, 1)\n"
            "    def train(self, data, out): self.gain = 2.0\n"
            "    def upscale(self, lr): return big(lr) / 2 * getattr(self, 'gain', 1.0)",
            "outside self.net",
        ),
        (
            "def __post_init__(self): self.net = nn.Conv2d(3, 3, 1)\n"
            "    def train(self, data, out):\n"
            "        import random\n"
            "        nn.init.constant_(self.net.bias, random.random())\n"
            "    def upscale(self, lr): return self.net(big(lr))",
            "same seed",
        ),
        ("thing: object = object()\n    def upscale(self, lr): return big(lr)", "recorded"),
        (
            "budgets = {'smoke': {'stpes': 1}}\n    def upscale(self, lr): return big(lr)",
            "no fields of it",
        ),
    ],
)
def test_each_broken_promise_is_named(toys: Add, body: str, sentence: str) -> None:
    big = "def big(x): return x.repeat_interleave(4, 2).repeat_interleave(4, 3)\n"
    toys("methods", "broken", f"{HEAD}{big}@dataclass\nclass Broken(Method):\n    {body}\n")
    with pytest.raises(BenchError, match=sentence):
        check_named("broken")


def test_what_is_no_method_is_named() -> None:
    with pytest.raises(BenchError, match="does not derive"):
        check_method(dict)
    with pytest.raises(BadName, match=r"write package\.module:Class"):
        check_named("no.such.module:Class")


def test_a_module_that_is_a_network_is_refused(toys: Add) -> None:
    toys(
        "methods",
        "net",
        f"{HEAD}@dataclass(eq=False)\nclass Net(Method, nn.Module):\n"
        "    def upscale(self, lr): return lr\n",
    )
    with pytest.raises(BenchError, match=r"not derive from nn\.Module"):
        check_named("net")
