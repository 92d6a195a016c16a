"""Makes trainers importable without a GPU: declare the operators torchvision lacks, stub torchaudio. Import before anything."""

from __future__ import annotations

import importlib.machinery
import sys
import types

import torch

_library = torch.library.Library("torchvision", "DEF")
_library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
_library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

_torchaudio = types.ModuleType("torchaudio")
_torchaudio.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
sys.modules["torchaudio"] = _torchaudio
