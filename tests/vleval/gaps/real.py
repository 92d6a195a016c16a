"""The scripted model with the harnesses' real code reading its answers: `make gap UPSTREAM=FOLDER`, a folder of their check-outs.

VLMEvalKit's `extract_answer_from_item` with a judge that never answers, lmms-eval's `parse_mmmu_multi_choice_response` and evalscope's
`parse_answers` (1.14.1, unpacked) are cut out of their files and run as they are; only what they import beside is stood in for.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import vleval
from tests.vleval.gaps.scripted import LETTERS, PLAN, E, L, Read, V, draw_files
from tools.goldens.upstream import cut

SEEDS = 20


def vlmevalkit(root: Path) -> Read:
    """Prefetching by `can_infer`; "" where it would draw, which the log says."""
    logger = SimpleNamespace(info=print, warning=print, get_logger=lambda *_: SimpleNamespace(info=lambda *_: None))
    file = root / "vlmeval/utils/matching_util.py"
    found = cut(
        file,
        ["can_infer_option", "can_infer_text", "can_infer", *_patterns(file)],
        {"cp": __import__("copy"), "os": __import__("os"), "logger": logger},
    )
    return lambda text, options: found["can_infer"](text, dict(zip(LETTERS, options, strict=True))) or ""


def lmms_eval(root: Path) -> Read:
    """Its draw at random is kept: `random.choice` is the real one."""
    file = root / "lmms_eval/tasks/_task_utils/mmmu_mcq_utils.py"
    found = cut(file, ["get_multi_choice_info", "parse_mmmu_multi_choice_response"], {"random": random, "np": np})

    def read(text: str, options: tuple[str, ...]) -> str:
        texts, letters = found["get_multi_choice_info"](options)
        return str(found["parse_mmmu_multi_choice_response"](text, letters, texts))

    return read


def evalscope(root: Path) -> Read:
    """The parser of an unpacked release, without its imports."""
    names = ["answer_character", "_fallback_parse_answer", "parse_answers", "_label_prefix", "_is_label_word", "_last_labelled_answer"]
    file = root / "evalscope/utils/multi_choices.py"
    more = [name for name in _patterns(file) if name not in names]
    found = cut(file, [*names, *more], {"set": set, "TaskState": Any})

    def read(text: str, options: tuple[str, ...]) -> str:
        state = SimpleNamespace(output=SimpleNamespace(completion=text), choices=list(options))
        return "".join(sorted(found["parse_answers"](state)))

    return read


def _patterns(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.split(" ", 1)[0] for line in lines if line.startswith("_") and " = re.compile(" in line]


def main() -> int:
    """Compare the pairs over several draws; returns the exit code."""
    root = Path(sys.argv[1])
    reads = {V: vlmevalkit(root / "VLMEvalKit"), L: lmms_eval(root / "lmms-eval"), E: evalscope(root / "evalscope")}
    wrong = compared = unflagged = 0
    for seed in range(SEEDS):
        random.seed(seed)
        with tempfile.TemporaryDirectory() as folder:
            files = draw_files(Path(folder), reads, seed)
            for pair in ((V, L), (V, E), (L, E)):
                found = vleval.gap(str(files[pair[0]]), str(files[pair[1]])).gap
                causes = {int(item.id): item.cause for item in found.differing}
                for number, planned in enumerate(PLAN):
                    if number == 5:  # decided by luck: whatever differs there is a guess
                        drawn = sum(name in (V, L) for name in pair)
                        unflagged += drawn != sum(item.id == "5" for item in found.guesses)
                        right = causes.get(5, "guess") == "guess"
                    else:
                        right = causes.get(number) == planned.causes.get(pair)
                    compared += 1
                    wrong += not right
                    if not right:
                        print(f"seed {seed}, {pair}, item {number}: {causes.get(number)}, planned {planned.causes.get(pair)}")
    print(f"{compared - wrong} of {compared} causes as planned, {unflagged} draws at random not flagged")
    return int(bool(wrong or unflagged))


if __name__ == "__main__":
    raise SystemExit(main())
