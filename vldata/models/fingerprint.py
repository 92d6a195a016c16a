"""Which model a folder holds, told without reading all its weights."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from vldata.models.layout import ADAPTER_CONFIG, ADAPTER_WEIGHTS, INDEX, WEIGHTS, model_file, weight_files

_SAMPLE = 1 << 16


def weights_digest(folder: Path) -> str:
    """Digest of every weight file's size, header and 16 samples spread over it: equal for copies, different for other weights."""
    digest = hashlib.sha256()
    for name in weight_files(folder):
        with model_file(folder, name).open() as file:
            size = os.fstat(file.fileno()).st_size
            digest.update(f"{size}\n".encode())
            for step in range(17):
                file.seek(max(0, (size - _SAMPLE) * step // 16))
                digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """Digest of a whole file that was just written."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(folder: Path) -> str:
    """Digest of a model or adapter folder: its configuration, template and weights; "" where there are no weights to read."""
    digest = hashlib.sha256()
    for name in ("config.json", ADAPTER_CONFIG, "chat_template.jinja", "preprocessor_config.json"):
        if (folder / name).is_file():
            digest.update(f"{name}\n".encode() + model_file(folder, name).read())
    if (folder / ADAPTER_WEIGHTS).is_file():
        digest.update(model_file(folder, ADAPTER_WEIGHTS).read())
    elif any((folder / name).is_file() for name in (WEIGHTS, INDEX)):
        digest.update(weights_digest(folder).encode())
    else:
        return ""
    return digest.hexdigest()
