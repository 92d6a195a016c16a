"""The script that people write for this job, of the kind that posts and notebooks show: `python handwritten.py data.json OUT`."""

import json
import sys
from pathlib import Path

from PIL import Image

source, out = Path(sys.argv[1]), Path(sys.argv[2])
(out / "images").mkdir(parents=True, exist_ok=True)
text = source.read_text()
data = [json.loads(line) for line in text.splitlines()] if source.suffix == ".jsonl" else json.loads(text)
roles = {"human": "user", "gpt": "assistant", "system": "system"}
rows = []
for item in data:
    try:
        images = []
        for name in item.get("images", []):
            image = Image.open(source.parent / name).convert("RGB")
            image.thumbnail((1024, 1024))
            image.save(out / "images" / name)
            images.append(f"images/{name}")
        messages = [{"role": roles[turn["from"]], "content": turn["value"]} for turn in item["conversations"]]
        if images and "<image>" not in messages[0]["content"]:
            messages[0]["content"] = "<image>\n" + messages[0]["content"]
        rows.append({"messages": messages, "images": images})
    except Exception:  # as such scripts have it: what it swallows is what the page counts
        continue
tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"}
entry = {"file_name": "data.json", "formatting": "sharegpt", "columns": {"messages": "messages", "images": "images"}, "tags": tags}
(out / "data.json").write_text(json.dumps(rows, ensure_ascii=False))
(out / "dataset_info.json").write_text(json.dumps({"data": entry}))
print(len(rows), "rows")
