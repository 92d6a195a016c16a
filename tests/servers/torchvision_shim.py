"""Lets torchvision's CUDA build be imported on a CPU build of torch: its operators' schemas are declared just before the import.

Copied into a server's venv beside a .pth file that imports it at start.
"""

from __future__ import annotations

import sys


class _DeclareOperators:
    """A finder that finds nothing; asked for torchvision, it declares the operators and steps aside."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "torchvision":
            sys.meta_path.remove(self)  # type: ignore[arg-type]
            import torch

            library = torch.library.Library("torchvision", "DEF")
            library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            sys.modules[__name__].__dict__["_kept"] = library


sys.meta_path.insert(0, _DeclareOperators())  # type: ignore[arg-type]
