"""A comparison whose pieces are on disk finds what the one in memory finds: the same pairs in the same order, and the same counts."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import vldata
from tests.effort import examples
from tests.vldata.splits.spilled import small_pieces
from vldata.files.gate import SafePath
from vldata.media.refs import Failure
from vldata.records.record import Message, Record
from vldata.splits import candidates, prints, shingled
from vldata.splits.certification import certify
from vldata.splits.columns import Spill
from vldata.splits.corpus import Corpus
from vldata.splits.leaks import Leaks, compare_all, find_leaks
from vldata.splits.near_pictures import BITS, fingerprint, near_pairs
from vldata.splits.near_texts import NearTexts, Texts, near_texts


def drawn_texts(rng: np.random.Generator, count: int) -> list[tuple[list[str], bool]]:
    """Texts of which many are equal, many nearly, and some too short."""
    base = [[f"w{word}" for word in rng.integers(0, 60, int(rng.integers(0, 25)))] for _ in range(8)]
    found = []
    for _ in range(count):
        words = list(base[int(rng.integers(0, 8)) if rng.random() < 0.5 else 0])
        if words and rng.random() < 0.4:
            words[int(rng.integers(0, len(words)))] = "edited"
        found.append((words, bool(rng.random() < 0.5)))
    return found


@settings(max_examples=examples(12), deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 20, 300, 4_000_000]), st.sampled_from([0.5, 0.8, 1.0]), st.sampled_from([0.01, 1.0]))
def test_near_texts_are_the_same_on_disk(seed: int, most_pairs: int, similarity: float, common: float) -> None:
    rng = np.random.default_rng(seed)
    sides = [drawn_texts(rng, int(rng.integers(0, 60))) for _ in range(2)]

    def search(most: int | None = None) -> NearTexts:
        both = []
        for side in sides:
            both.append(Texts())
            for words, alone in side:
                both[-1].add(words, alone=alone)
        return near_texts(*both, similarity=similarity, most=most)

    with patch.object(candidates, "MOST_PAIRS", most_pairs), patch.object(shingled, "COMMON_SHARE", common):
        found = search()
        with small_pieces():
            assert search() == found
            assert search(3) == found._replace(pairs=found.pairs[:3])
    assert found.affected == len({pair.second for pair in found.pairs})


def test_one_band_at_a_time_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each text of the first set the signature of a band, its order, and a byte; two bands together would be 28 bytes and more."""
    rng = np.random.default_rng(0)

    def drawn(count: int) -> shingled.Telling:
        texts = shingled.Telling(Spill())
        texts.flat.add_bytes(np.sort(rng.integers(0, 1 << 32, (count, 8), dtype=np.uint32), axis=1).tobytes())
        texts.lengths.add_bytes(np.full(count, 8, np.uint32).tobytes())
        texts.rows.add_bytes(np.arange(count, dtype=np.uint32).tobytes())
        return texts

    ours, theirs = drawn(500_000), drawn(50_000)
    monkeypatch.setattr(candidates, "_BANDS", 2)
    tracemalloc.start()
    try:
        candidates.compare(ours, theirs, 0.8, lambda *pairs: None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / len(ours) < 22


@settings(max_examples=examples(10), deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0, 10, 20]))
def test_near_pictures_are_the_same_on_disk(seed: int, distance: int) -> None:
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (3, BITS), dtype=np.uint8)[rng.integers(0, 3, 14)]
    bits ^= rng.random(bits.shape) < 0.02
    colours = [bytes([int(level)]) * 128 for level in rng.integers(0, 2, 14) * 90]
    named = {f"p{n}": np.packbits(row).tobytes() + colours[n] for n, row in enumerate(bits)}
    named["same"] = named["p0"]
    first, second = ({name: named[name] for name in list(named)[half::2]} for half in (0, 1))
    second["plain"] = b""
    found = near_pairs(first, second, distance=distance)
    with small_pieces():
        assert near_pairs(first, second, distance=distance) == found


def drawn_pictures(folder: Path, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    names = [f"images/{number}.png" for number in range(5)]
    for name in names[:4]:
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(folder / name)
    Image.new("RGB", (40, 40), (9, 9, 9)).save(folder / names[4])
    return [*names, "images/gone.png"]


def in_this_process(paths: Iterable[SafePath], *, workers: int) -> Iterator[tuple[int, bytes | Failure]]:
    yield from reversed([(index, fingerprint(path)) for index, path in enumerate(paths)])


def test_leaks_are_those_of_sets_in_memory_and_on_disk(tmp_path: Path) -> None:
    """Three datasets in two folders that show the same pictures in other orders, some more than once."""
    rng = np.random.default_rng(3)
    outs = [tmp_path / "a", tmp_path / "a", tmp_path / "b"]
    names = {out: drawn_pictures(out, 1) for out in dict.fromkeys(outs)}
    sides: list[list[Record]] = []
    for which, out in enumerate(outs):
        sides.append([])
        for number in range(9):
            shown = tuple(names[out][int(place)] for place in rng.integers(which, 6, int(rng.integers(0, 3))))
            turns = (Message("user", "<image>" * len(shown) + f"Which {rng.integers(0, 3)}?"), Message("assistant", "This."))
            rejected = Message("assistant", f"That {rng.integers(0, 2)}.")
            sides[-1].append(
                Record(id=f"{which}-{number}", messages=turns, images=shown, references=(), meta={}, rejected=rejected, videos=shown[:1])
            )

    def compare() -> list[Leaks]:
        corpora = []
        for which, side in enumerate(sides):
            corpora.append(Corpus(str(which), outs[which]))
            for number, record in enumerate(side):
                if number % 5 == 0:
                    corpora[-1].begin(f"{number}.jsonl")
                corpora[-1].add(record, number % 5 + 1)
        with patch.object(prints, "fingerprints", in_this_process):
            return list(compare_all(corpora))

    found = compare()
    with small_pieces():
        assert compare() == found
    for result, (one, other) in zip(found, combinations(sides, 2), strict=True):
        pictures = [{image for record in side for image in record.images} for side in (one, other)]
        videos = [{video for record in side for video in record.kept_videos} for side in (one, other)]
        assert result.counts["picture"] == len(pictures[0] & pictures[1]) + len(videos[0] & videos[1])
        assert result.notes == (
            f"Not compared, as they cannot be read: {len(gone_of(sides, outs))} pictures. vldata validate names them.",
            "Compared by their bytes alone, as they are of one colour: 2 pictures.",
        )
        leak = next(leak for leak in result.leaks if leak.kind == "picture")
        row = next(number for number, record in enumerate(one) if leak.what in record.images)
        assert leak.first == msgspec.structs.replace(leak.first, at=f"{row // 5 * 5}.jsonl:{row % 5 + 1}", id=one[row].id)


def gone_of(sides: list[list[Record]], outs: list[Path]) -> set[tuple[Path, str]]:
    return {(out, image) for side, out in zip(sides, outs, strict=True) for record in side for image in record.images if "gone" in image}


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("leaky")
    said = [" ".join(words) for words, _ in drawn_texts(np.random.default_rng(9), 80)]
    rows = [{"id": f"{n}", "messages": [{"role": "user", "content": text or "?"}, {"role": "assistant", "content": f"{n % 3}"}]}
            for n, text in enumerate(said)]  # fmt: skip
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    vldata.convert("sharegpt", folder / "rows.jsonl", out=folder / "out", name="d")
    vldata.split(folder / "out" / "d", test=20, val=10, group_by="none")
    return folder / "out"


def test_a_certificate_of_a_bad_split_is_the_same_on_disk(leaky: Path) -> None:
    found = certify(leaky, "d"), find_leaks([str(leaky / f"d_{side}") for side in ("train", "val", "test")])
    assert not found[0].good and all(result.counts["near_text"] for result in found[1])
    with small_pieces():
        again = certify(leaky, "d"), find_leaks([str(leaky / f"d_{side}") for side in ("train", "val", "test")])
    assert again == found
