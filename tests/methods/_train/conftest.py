import runpy
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def toy() -> dict[str, Any]:
    """What `toy.py` defines: a tiny adversarial training."""
    return runpy.run_path(str(Path(__file__).with_name("toy.py")))
