"""Appends a Pillow decoder to torchvision/io/image.py of a venv whose torchvision has no image extension: $1 is its site-packages."""

from __future__ import annotations

import sys
from pathlib import Path

MARK = "# decoded with Pillow: this build has no image extension"
OVERRIDE = f"""

{MARK}
def decode_image(input, mode=ImageReadMode.UNCHANGED, apply_exif_orientation=False):
    import io

    import numpy
    from PIL import Image

    data = open(input, "rb").read() if isinstance(input, str) else input.numpy().tobytes()
    with Image.open(io.BytesIO(data)) as image:
        pixels = numpy.asarray(image.convert("RGB"))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).contiguous()
"""

path = Path(sys.argv[1]) / "torchvision" / "io" / "image.py"
text = path.read_text()
if MARK not in text:
    path.write_text(text + OVERRIDE)
