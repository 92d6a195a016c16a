"""Write the vision tokens (without delimiters) we predict for every record of a dataset: expected.py DIR NAME OUT.json [READER].

READER says who reads kept videos: qwen3-vl (the processor by itself, the default), llamafactory or swift.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from vldata.dataset import Dataset
from vldata.pixels import vision_tokens
from vldata.video_tokens import llamafactory_grid, qwen3_vl_grid, swift_grid

out, name, target = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
grid = {"qwen3-vl": qwen3_vl_grid, "llamafactory": llamafactory_grid, "swift": swift_grid}[(sys.argv[4:] or ["qwen3-vl"])[0]]
dataset = Dataset(out / name)
processor = dataset.contract.pixels.processor
cost = {
    line.path: grid(line.clip).vision_tokens if line.frames else vision_tokens(line.width, line.height, processor=processor)
    for line in dataset.media()
}
target.write_text(json.dumps([sum(cost[path] for path in record.media) for record in dataset]))
