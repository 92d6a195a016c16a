"""What other packages say of themselves is not for the person at the terminal."""

from __future__ import annotations

import logging
import sys
import warnings


def hush() -> None:
    """Silence deprecation notes of the packages underneath, and the bars of weights where nobody watches."""
    for package in ("transformers", "peft", "accelerate", "bitsandbytes", "torch"):
        for category in (FutureWarning, DeprecationWarning):
            warnings.filterwarnings("ignore", category=category, module=rf"{package}(\.|$)")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    if not sys.stderr.isatty():
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
