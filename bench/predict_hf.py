"""The hf backend's batches against one prompt at a time, in the same run on the same machine.

    python bench/predict_hf.py [--model FOLDER] [--data DIR/NAME] [--limit 64] [--max-tokens 32]

Without --model a tiny random one is built, without --data a sample is drawn and converted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from fixtures.openeqa import draw_openeqa
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.models.tiny import build_tiny_model
from vleval.inference import hf
from vleval.inference.ask import Sampler, iter_asks


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="")
    parser.add_argument("--data", default="")
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--max-tokens", type=int, default=32)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model_dir = args.model or str(build_tiny_model(Path(folder) / "tiny", mixing=50.0))
        if not args.data:
            draw_openeqa(Path(folder) / "source", size=(384, 216))
            convert("openeqa", Path(folder) / "source", frames=1, out=Path(folder) / "prepared", workers=1)
        dataset = Dataset(args.data or Path(folder) / "prepared" / "openeqa")
        asks = [(str(number), ask) for number, ask in enumerate(iter_asks(dataset, args.limit))]
        model = hf.HfModel(model_dir, sampler=Sampler(max_tokens=args.max_tokens))
        model.answer(asks[:2], lambda _: None)
        seconds = {}
        for name, rows in (("one by one", 1), ("batched", hf.MOST_ROWS), ("one by one again", 1), ("batched again", hf.MOST_ROWS)):
            hf.MOST_ROWS = rows
            started = time.perf_counter()
            model.answer(asks, lambda _: None)
            seconds[name] = time.perf_counter() - started
            print(f"{name:<17} {len(asks) / seconds[name]:6.1f} prompts/s on {model.device}")
        single = min(seconds["one by one"], seconds["one by one again"])
        print(f"batches are {single / min(seconds['batched'], seconds['batched again']):.2f} x as fast (at least 1.5)")


if __name__ == "__main__":
    main()
