"""How fast the llamafactory profile is beside LLaMA-Factory's own loop over jieba, rouge-chinese and nltk, on the same rows.

    python bench/metrics_speed.py --python .venvs/goldens/bin/python

`make parity` builds that environment. Both sides run in one process each, turn by turn, and the best of each counts; the loading of jieba's
dictionary is left out of both. Then the whole way from start to number for 258 English rows, and three metrics over a million rows.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path

from vleval.metrics import llamafactory, segment
from vleval.profiles import resolve
from vleval.rows import Row

NAMES = ("bleu-4", "rouge-1", "rouge-2", "rouge-l")
ENGLISH_TEXT = (
    "on the table next to window kitchen living room white black brown wooden chair sofa yes no left of bed two three air conditioning "
    "unit is there a red blue towel hanging door cabinet above sink The refrigerator with of and lamp in corner picture frame"
)
CHINESE_TEXT = (
    "北京 上海 苹果 桌子 红色的 没有 发票号码 增长率 人工智能 世界 不知道 左边 营业收入 同比增长 中华人民共和国 图中 显示 的 是 在 了 "
    "一个 客厅 厨房 白色 冰箱 旁边 沙发 上面 有 两 把 椅子 。 ， 和 窗户 门 打开 关闭 可以 看到 墙上 挂着 画"
)
ENGLISH, CHINESE = ENGLISH_TEXT.split(), CHINESE_TEXT.split()

LOOP = """
import json, logging, sys, time
import jieba
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_chinese import Rouge
jieba.setLogLevel(logging.ERROR)
jieba.initialize()
pairs = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
began = time.perf_counter()
scores = []
for pred, label in pairs:
    hypothesis = list(jieba.cut(pred))
    reference = list(jieba.cut(label))
    if len(" ".join(hypothesis).split()) == 0 or len(" ".join(reference).split()) == 0:
        result = {"rouge-1": {"f": 0.0}, "rouge-2": {"f": 0.0}, "rouge-l": {"f": 0.0}}
    else:
        result = Rouge().get_scores(" ".join(hypothesis), " ".join(reference))[0]
    row = [round(v["f"] * 100, 4) for v in result.values()]
    bleu = sentence_bleu([list(label)], list(pred), smoothing_function=SmoothingFunction().method3)
    scores.append([round(bleu * 100, 4), *row])
print(json.dumps([time.perf_counter() - began, [sum(column) / len(scores) for column in zip(*scores)]]))
"""


def rows_of(words: list[str], glue: str, count: int, lengths: tuple[int, int], seed: int) -> list[Row]:
    """Answers that share about half of their words with the reference."""
    rng = random.Random(seed)
    rows = []
    for index in range(count):
        reference = [rng.choice(words) for _ in range(rng.randint(*lengths))]
        answer = [word if rng.random() < 0.6 else rng.choice(words) for word in reference]
        rows.append(Row(id=str(index), prediction=glue.join(answer), references=(glue.join(reference),)))
    return rows


def ours(rows: list[Row]) -> tuple[float, list[float]]:
    """Seconds and the four values, from cold caches."""
    for cached in (llamafactory.rouge, llamafactory.rouge_tokens, segment._cut_block):
        cached.cache_clear()
    began = time.perf_counter()
    values = [float(resolve("llamafactory", name).score(rows).values.mean()) for name in NAMES]
    return time.perf_counter() - began, values


def compare(title: str, rows: list[Row], python: str, folder: Path, wanted: float) -> bool:
    """Print one ratio; False when it misses what is wanted."""
    source = folder / "rows.jsonl"
    source.write_text("".join(json.dumps([row.prediction, row.references[0]]) + "\n" for row in rows), encoding="utf-8")
    segment.words("预热")
    best_ours, best_theirs = float("inf"), float("inf")
    for _ in range(3):
        done = subprocess.run([python, "-c", LOOP, str(source)], check=True, capture_output=True, text=True)
        seconds, theirs = json.loads(done.stdout)
        best_theirs = min(best_theirs, seconds)
        seconds, values = ours(rows)
        best_ours = min(best_ours, seconds)
        if max(abs(a - b) for a, b in zip(values, theirs, strict=True)) > 1e-6:
            raise SystemExit(f"{title}: {values} is not {theirs}")
    ratio = best_theirs / best_ours
    print(f"{title:28} {len(rows)} rows: upstream {best_theirs:.3f} s, ours {best_ours:.3f} s, {ratio:.1f} x (wanted {wanted:g} x)")
    return ratio >= wanted


def start_to_number(folder: Path) -> bool:
    """A fresh interpreter that scores 258 English rows with the four metrics."""
    source = folder / "rows.jsonl"
    rows = rows_of(ENGLISH, " ", 258, (1, 8), 3)
    source.write_text("".join(json.dumps([row.prediction, row.references[0]]) + "\n" for row in rows), encoding="utf-8")
    code = (
        "import json,sys;from vleval.rows import Row;from vleval.profiles import resolve;"
        "rows=[Row(id=str(i),prediction=p,references=(r,)) for i,(p,r) in enumerate(json.loads(l) for l in open(sys.argv[1]))];"
        f"print([float(resolve('llamafactory',m).score(rows).values.mean()) for m in {NAMES!r}], 'jieba' in sys.modules)"
    )
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code, str(source)], check=True, capture_output=True, text=True)
        best = min(best, time.perf_counter() - began)
    loaded = "True" in done.stdout
    print(f"start to number, 258 rows: {best:.2f} s (wanted 1 s), jieba {'loaded' if loaded else 'not loaded'}")
    return best < 1 and not loaded


def million(count: int) -> bool:
    """Exact match, relaxed accuracy and ANLS over many rows, without reading them."""
    rng = random.Random(4)
    answers = [
        str(rng.randint(0, 5000)) + rng.choice(("", "%", ".5")) if rng.random() < 0.5 else " ".join(rng.sample(ENGLISH, 3))
        for _ in range(count)
    ]
    rows = [Row(id=str(i), prediction=text, references=(text if i % 3 else answers[i - 1],)) for i, text in enumerate(answers)]
    total = 0.0
    for name in ("exact_match", "relaxed_accuracy", "anls"):
        began = time.perf_counter()
        value = resolve("vlkit", name).score(rows).values.mean()
        seconds = time.perf_counter() - began
        total += seconds
        print(f"  {name:20} {seconds:.1f} s  {value:.4f}")
    print(f"three metrics over {count:,} rows: {total:.1f} s (wanted 40 s)")
    return total < 40


def main() -> int:
    """Command line."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True, help="Python with jieba, rouge-chinese and nltk")
    parser.add_argument("--rows", type=int, default=1_000_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = [
            compare("English, short answers", rows_of(ENGLISH, " ", 1636, (1, 5), 0), args.python, folder, 8),
            compare("English, sentences", rows_of(ENGLISH, " ", 1000, (8, 25), 1), args.python, folder, 8),
            compare("Chinese", rows_of(CHINESE, "", 1000, (3, 20), 2), args.python, folder, 3),
            start_to_number(folder),
        ]
    good.append(million(args.rows))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
