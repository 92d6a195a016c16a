"""Differential fuzzing of every profile against the tools it reproduces; see README.md in this folder.

    python tools/goldens/parity.py --python PYTHON [--repos DIR] [--pairs 10000] [--only llamafactory,inspect]

Exit 0 when everything that could be checked agrees, 1 when anything differs; what could not be checked is listed either way.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import ours
import pairs as generate

from vleval.metrics.words import needs_unicode

Make = Callable[[int, int], list[dict[str, Any]]]


@dataclass(frozen=True)
class Check:
    """One run of an oracle: which profile it stands for, on which pairs, and the tolerance where upstream rounds."""

    oracle: str
    profile: str
    make: Make
    tolerance: float = 1e-6
    share: float = 1.0  # of the pairs asked for, where upstream is slow and other checks cover the profile


def mark_pairs(count: int, seed: int) -> list[dict[str, Any]]:
    """Judges' replies."""
    rng = generate.random.Random(seed)
    forms = ("{}", "Your mark: {}", "Your mark: {}\nBecause it is right.", "Thinking.\nYour mark:{}", " {}", "{}.", "{}/5", "good")
    return [{"p": rng.choice(forms).format(rng.randint(0, 9)), "r": ["x"]} for _ in range(count)]


def ascii_pairs(count: int, seed: int) -> list[dict[str, Any]]:
    """Text pairs without any character beyond ASCII."""
    made = generate.text_pairs(3 * count, seed)
    return [pair for pair in made if pair["p"].isascii() and all(text.isascii() for text in pair["r"])][:count]


CHECKS = (
    Check("llamafactory", "llamafactory", generate.text_pairs, 1e-4),
    Check("msswift", "ms-swift", generate.text_pairs),
    Check("lmms_eval", "lmms-eval", generate.text_pairs),
    Check("lmms_eval", "lmms-eval", generate.vqa_pairs, share=0.5),
    Check("vlmevalkit", "vlmevalkit", generate.text_pairs),
    Check("vlmevalkit", "vlmevalkit", generate.vqa_pairs, share=0.5),
    Check("vlmevalkit_choice", "vlmevalkit", generate.choice_pairs),
    Check("ccocr", "vlmevalkit", generate.json_pairs),
    Check("pix2struct", "pix2struct", generate.text_pairs),
    Check("qwen_vl", "qwen-vl", generate.text_pairs),
    Check("qwen_vl", "qwen-vl", generate.vqa_pairs, share=0.5),
    Check("evalscope", "evalscope", generate.text_pairs),
    Check("evalscope", "evalscope", generate.vqa_pairs, share=0.5),
    Check("chartqapro", "chartqapro", generate.text_pairs),
    Check("vqa_official", "vqa-official", generate.vqa_pairs),
    Check("vqa_2016", "vqa-official", generate.vqa_pairs),
    Check("inspect", "inspect", generate.text_pairs, 1e-6),
    Check("evalscope_choice", "evalscope", generate.choice_pairs),
    Check("inspect_choice", "inspect", generate.choice_pairs),
    Check("openeqa", "openeqa", mark_pairs),
    Check("packages", "vlkit", generate.text_pairs),
    Check("cider", "vlkit", ascii_pairs),
    Check("json_packages", "vlkit", generate.json_pairs),
    Check("donut", "vlkit", generate.json_pairs),
    Check("coco", "vlkit", generate.box_pairs),
    Check("mp_docvqa", "vlkit", generate.text_pairs),
)


def run(check: Check, count: int, seed: int, python: str, repos: Path, folder: Path) -> tuple[str, int]:
    """Compare one check; returns its lines of report and the number of differences (-1: not checked)."""
    made = check.make(max(int(count * check.share), 1), seed)
    source, out = folder / "pairs.jsonl", folder / "out.jsonl"
    source.write_text("".join(json.dumps(pair) + "\n" for pair in made), encoding="utf-8")
    script = Path(__file__).with_name("oracles.py")
    began = time.perf_counter()
    done = subprocess.run([python, str(script), check.oracle, str(source), str(out), "--repos", str(repos)], capture_output=True, text=True)
    if done.returncode == 3:
        return f"{check.profile:14}{check.oracle:18} NOT CHECKED: {done.stderr.strip().splitlines()[-1]}", -1
    if done.returncode:
        raise SystemExit(done.stderr)
    theirs = [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n") if line]
    lines, differences = [], 0
    for metric in sorted({name for value in theirs if isinstance(value, dict) for name in value}):
        line, differing = compare(check, metric, made, theirs)
        lines.append(line)
        differences += differing
    lines.append(f"{'':32} {time.perf_counter() - began:.0f} s")
    return "\n".join(lines), differences


def compare(check: Check, metric: str, made: list[dict[str, Any]], theirs: list[Any]) -> tuple[str, int]:
    """Largest difference of one metric, and the first pair that shows one."""
    mine = ours.values(made, check.profile, metric)
    worst, differing, crashed, example = 0.0, 0, 0, ""
    for pair, own, their in zip(made, mine, theirs, strict=True):
        value = their if their == "crash" else their[metric]
        if value == "crash":
            crashed += 1
            continue
        gap = float((own is None) != (value is None)) if own is None or value is None else abs(own - value)
        if gap <= check.tolerance:
            worst = max(worst, gap)
            continue
        if metric in ("rouge1", "rouge2", "rougeL") and any(map(needs_unicode, [pair["p"], *pair["r"]])):
            continue  # letters beyond ASCII are words in vlkit, on purpose
        differing += 1
        if not example or len(json.dumps(pair)) < len(example):
            example = json.dumps({"ours": own, "theirs": value} | pair, ensure_ascii=False)
    verdict = f"{differing} DIFFER, for example {example[:600]}" if differing else f"agree to {worst:.1e}"
    crashes = f" (upstream raises on {crashed})" if crashed else ""
    if math.isnan(worst):
        verdict = "NaN"
    return f"{check.profile:14}{metric:20}{len(made):7} pairs  {verdict}{crashes}", differing


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="Python of the environment with the real packages")
    parser.add_argument("--repos", type=Path, default=Path(os.environ.get("UPSTREAM") or "/nonexistent"))
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="oracles or profiles, comma separated")
    args = parser.parse_args()
    chosen = [name for name in args.only.split(",") if name]
    differences, unchecked = 0, []
    with tempfile.TemporaryDirectory() as folder:
        for check in CHECKS:
            if chosen and check.oracle not in chosen and check.profile not in chosen:
                continue
            report, found = run(check, args.pairs, args.seed, args.python, args.repos.resolve(), Path(folder))
            print(report, flush=True)
            differences += max(found, 0)
            unchecked += [f"{check.profile} ({check.oracle})"] if found < 0 else []
    print(f"{differences} differences." if differences else "No difference.")
    if unchecked:
        print("Not checked, for want of their repositories (give UPSTREAM=DIR): " + ", ".join(dict.fromkeys(unchecked)) + ".")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
