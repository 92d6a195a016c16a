"""The script that people write to score a model, of the kind that posts show: `python handwritten_eval.py rows.jsonl URL OUT`."""

import base64
import json
import re
import sys
from pathlib import Path

from openai import OpenAI

source, url, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
client = OpenAI(base_url=url, api_key="none", max_retries=0)
verdicts = []
for line in source.read_text().splitlines():
    row = json.loads(line)
    image = base64.b64encode(Path(row["image"]).read_bytes()).decode()
    options = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCD", row["options"], strict=True))
    text = f"{row['question']}\n{options}\nAnswer with the letter."
    content = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}, {"type": "text", "text": text}]
    try:
        reply = client.chat.completions.create(model="scripted", temperature=0, messages=[{"role": "user", "content": content}])
        answer = reply.choices[0].message.content
    except Exception as error:
        print(error)
        answer = ""
    found = re.search(r"[ABCD]", answer)
    verdicts.append({"id": row["id"], "multiple_choice": float(bool(found) and found.group() == row["answer"])})
print("accuracy", sum(verdict["multiple_choice"] for verdict in verdicts) / len(verdicts))
out.write_text("\n".join(map(json.dumps, verdicts)))
