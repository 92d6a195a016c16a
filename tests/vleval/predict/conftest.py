from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.openeqa import draw_openeqa
from vldata.api import convert


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the dataset `openeqa`: six questions over two pictures each, 384x224."""
    root = tmp_path_factory.mktemp("asked")
    draw_openeqa(root / "source", size=(384, 216))
    convert("openeqa", root / "source", frames=2, out=root / "prepared", workers=1, limit=6)
    return root / "prepared"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model whose answers depend on what it is shown."""
    pytest.importorskip("torch", reason="a tiny model needs the train extra")
    from vldata.models.tiny import build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("model") / "tiny", mixing=50)
