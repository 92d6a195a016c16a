"""A trainer of our own making: it takes ours and learns the prompt. Copied beside the probes by the test, and run as they are."""

import json
from pathlib import Path

from vldata.xrays.probes import common


def make(job):
    if job.settings.get("broken"):
        raise RuntimeError("cannot import name 'Trainer'")

    def look(row):
        ours = json.loads((job.out.parent / "ours" / "result.json").read_text())
        seen = next(one for one in ours["rows"] if one["row"] == row["row"])
        if row["row"] == 2:
            raise ValueError("</script><script>alert(1)</script>")
        for image in seen["images"]:
            for file in image["files"]:
                (job.out / file).write_bytes((job.out.parent / "ours" / file).read_bytes())
        assert Path.cwd() == Path(job.root)
        return {**seen, "labels": seen["ids"]}

    return look, ("msgspec", "no-such-package")


raise SystemExit(common.run(make))
