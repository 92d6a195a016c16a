"""Write the vision tokens (without delimiters) we predict for every record of a dataset: expected.py DIR NAME OUT.json [READER].

READER says who reads kept videos: qwen3-vl (the processor by itself, the default), llamafactory or swift; or trl, whose export has a
row an answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from vldata.datasets.dataset import Dataset
from vldata.media.pixels import vision_tokens
from vldata.media.video_tokens import llamafactory_grid, qwen3_vl_grid, swift_grid
from vldata.records.record import Record

out, name, target = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
reader = (sys.argv[4:] or ["qwen3-vl"])[0]
grid = {"trl": qwen3_vl_grid, "qwen3-vl": qwen3_vl_grid, "llamafactory": llamafactory_grid, "swift": swift_grid}[reader]
dataset = Dataset(out / name)
processor = dataset.contract.pixels.processor
cost = {
    line.path: grid(line.clip).vision_tokens if line.frames else vision_tokens(line.width, line.height, processor=processor)
    for line in dataset.media()
}


def rows_of(record: Record) -> Iterator[int]:
    """Tokens of the rows of one record."""
    if reader != "trl":
        yield sum(cost[path] for path in record.media)
        return
    shown = 0
    for message in record.messages:
        shown += message.content.count("<image>")
        if message.role == "assistant":
            yield sum(cost[path] for path in record.images[:shown])


target.write_text(json.dumps([tokens for record in dataset for tokens in rows_of(record)]))
