"""The pictures of requests: the file's own bytes, base64-encoded once however many requests show them."""

from __future__ import annotations

import base64
from collections import OrderedDict

from vldata.files.gate import SafePath

_MIME = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
DEFAULT_CACHE_BYTES = 256 * 1024 * 1024


class PictureCache:
    """Keeps encoded pictures up to `limit_bytes`, the longest unused going first."""

    def __init__(self, limit_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        self._limit = limit_bytes
        self._held = 0
        self._encoded: OrderedDict[SafePath, bytes] = OrderedDict()

    def base64(self, path: SafePath) -> bytes:
        """Return a picture's bytes in base64.

        Raises:
            DataError: it cannot be read, leads out of the dataset's folder, or is no picture by its content: nothing else is sent.
        """
        known = self._encoded.get(path)
        if known is not None:
            self._encoded.move_to_end(path)
            return known
        encoded = base64.b64encode(path.read("image"))
        self._encoded[path] = encoded
        self._held += len(encoded)
        while self._held > self._limit and len(self._encoded) > 1:
            self._held -= len(self._encoded.popitem(last=False)[1])
        return encoded

    def data_url(self, path: SafePath) -> bytes:
        """Return a picture as a JSON string holding its data URL; the type is the file's, as its name says."""
        mime = _MIME.get(path.name.rpartition(".")[2].lower(), "application/octet-stream")
        return b'"data:' + mime.encode() + b";base64," + self.base64(path) + b'"'
