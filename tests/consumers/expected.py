"""Write the vision tokens (without delimiters) we predict for every record of a dataset: expected.py DIR NAME OUT.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from vldata.contract import read_contract
from vldata.folder import DatasetPaths
from vldata.pixels import vision_tokens
from vldata.record import iter_records
from vldata.strictjson import iter_lines, loads

out, name, target = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
paths = DatasetPaths(out, name)
processor = read_contract(paths).pixels.processor
media = [loads(line) for _, line in iter_lines(paths.media)]
cost = {line["path"]: vision_tokens(line["width"], line["height"], processor=processor) for line in media}
target.write_text(json.dumps([sum(cost[image] for image in record.images) for _, record in iter_records(paths.records)]))
