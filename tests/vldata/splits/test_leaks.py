from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from fixtures.openeqa import draw_frame
from vldata.errors import UsageError
from vldata.media.refs import Failure
from vldata.records.record import Message, Record
from vldata.splits import candidates, shingled
from vldata.splits.certification import certify
from vldata.splits.leaks import Nearness, find_leaks
from vldata.splits.near_pictures import BITS, MAX_DISTANCE, fingerprint, near_pairs
from vldata.splits.near_texts import Texts, near_texts, texts_of, words_of
from vldata.splits.splitting import split

COLOURLESS = bytes(128)


def picture(seed: int, size: tuple[int, int] = (480, 320)) -> Image.Image:
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    for _ in range(30):
        left, top = int(rng.integers(0, size[0] - 90)), int(rng.integers(0, size[1] - 90))
        width, height = (int(side) for side in rng.integers(12, 90, 2))
        image.paste(tuple(int(level) for level in rng.integers(0, 256, 3)), (left, top, left + width, top + height))
    return image


def print_of(image: Image.Image, path: Path) -> bytes:
    image.save(path)
    found = fingerprint(str(path))
    assert isinstance(found, bytes)
    return found


def distance(one: bytes, other: bytes) -> int:
    return int.from_bytes(bytes(a ^ b for a, b in zip(one[:32], other[:32], strict=True))).bit_count()


def altered(image: Image.Image) -> dict[str, Image.Image]:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=40)
    width, height = image.size
    return {
        "encoded": Image.open(io.BytesIO(buffer.getvalue())),
        "halved": image.resize((width // 2, height // 2)),
        "squashed": image.resize((width, height * 4 // 5)),
        "darker": ImageEnhance.Brightness(image).enhance(0.85),
        "trimmed": image.crop((1, 1, width - 1, height - 1)),
    }


@pytest.mark.parametrize("seed", range(3))
def test_copies_are_near_and_others_far(seed: int, tmp_path: Path) -> None:
    image = picture(seed)
    first = {"original": print_of(image, tmp_path / "a.png")}
    copies = {name: print_of(copy, tmp_path / f"{name}.png") for name, copy in altered(image).items()}
    others = {f"other{n}": print_of(picture(100 + n), tmp_path / f"o{n}.png") for n in range(10)}
    assert {pair.second for pair in near_pairs(first, copies | others)} == set(copies)
    assert min(distance(first["original"], other) for other in others.values()) > 60


def test_the_same_room_in_other_colours_is_another_room(tmp_path: Path) -> None:
    rooms = [draw_frame(episode, 5, (384, 216)) for episode in ("x-DDDDroomFor", "x-scene0200")]
    one, other = (print_of(room, tmp_path / f"{n}.png") for n, room in enumerate(rooms))
    assert distance(one, other) <= 16
    assert near_pairs({"a": one}, {"b": other}) == []


def test_a_plain_picture_is_like_no_other(tmp_path: Path) -> None:
    plain = print_of(Image.new("RGB", (90, 90), (200, 10, 10)), tmp_path / "a.png")
    assert plain == b"" and near_pairs({"a": plain}, {"b": plain}) == []
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert isinstance(fingerprint(str(tmp_path / "b.png")), Failure)


@given(st.integers(0, 2**32), st.integers(0, MAX_DISTANCE))
def test_the_search_finds_what_comparing_all_finds(seed: int, limit: int) -> None:
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 2, (12, BITS), dtype=np.uint8)
    noisy = base[rng.integers(0, 12, 30)].copy()
    for row in noisy:
        row[rng.choice(BITS, int(rng.integers(0, 45)), replace=False)] ^= 1
    first = {f"a{n}": np.packbits(bits).tobytes() + COLOURLESS for n, bits in enumerate(base)}
    second = {f"b{n}": np.packbits(bits).tobytes() + COLOURLESS for n, bits in enumerate(noisy)}
    wanted = {(a, b, distance(first[a], second[b])) for a in first for b in second if distance(first[a], second[b]) <= limit}
    assert set(near_pairs(first, second, distance=limit)) == wanted


def test_a_distance_that_cannot_be_searched_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot be searched"):
        near_pairs({}, {}, distance=34)
    with pytest.raises(UsageError, match="cannot be searched"):
        near_texts(Texts(), Texts(), similarity=0.4)


def test_one_picture_has_one_name_and_no_double() -> None:
    data = np.packbits(np.arange(BITS) % 2).tobytes() + COLOURLESS
    assert near_pairs({"same": data}, {"same": data}) == []
    assert near_pairs({"one": data}, {"other": data}) == [("one", "other", 0)]


LONG = "What stands on the wooden table beside the tall window of the blue kitchen, left of the fridge?"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (LONG, LONG, True),
        (LONG, LONG.upper().replace("?", " !"), True),
        (LONG, LONG.replace("left", "right"), False),
        (LONG, LONG + " Please answer.", True),
        (LONG, LONG.replace("table", "chair").replace("kitchen", "bathroom").replace("fridge", "bath"), False),
        ("Short question?", "Short question?", False),
        ("这张表格显示了二零二一年各省的人口数量和平均收入", "这张表格显示了二零二一年各省的人口数量和平均收入。", True),
    ],
)
def test_texts_that_say_the_same(one: str, other: str, alike: bool) -> None:
    first, second = (said(words_of(record("a", text))) for text in (one, other))
    assert bool(near_texts(first, second, similarity=0.8).pairs) is alike


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_words_in_ascii_are_those_of_the_long_way(text: str) -> None:
    """A letter beyond ASCII, as a word of its own, is what asks for the long way."""
    assert words_of(record("a", f"{text} é")) == [*words_of(record("a", text))[:-1], "é", "yes"]


def said(*texts: list[str]) -> Texts:
    found = Texts()
    for words in texts:
        found.add(words, alone=False)
    return found


def record(name: str, question: str, *images: str) -> Record:
    messages = (Message("user", "<image>" * len(images) + question), Message("assistant", "yes"))
    return Record(id=name, messages=messages, images=images, references=(), meta={})


def test_short_texts_count_only_without_a_picture() -> None:
    with_picture, without = texts_of([record("a", "How many bars?", "x.png")]), texts_of([record("a", "How many bars?")])
    assert near_texts(with_picture, with_picture).pairs == []
    assert near_texts(without, without).pairs == [(0, 0, 1.0)]


def test_a_prompt_that_all_share_makes_no_two_alike() -> None:
    prompt = "You are a careful reader of charts. Look at the picture and answer the question in one word or number, without a unit. "
    first, second = (texts_of(record("", f"{prompt}Row {side}{n}", "x.png") for n in range(9)) for side in "pq")
    assert near_texts(first, second).pairs == []


@given(st.lists(st.sampled_from("abcdefghijklmn"), min_size=12, max_size=40))
def test_an_equal_text_is_always_found(words: list[str]) -> None:
    text = said(words)
    telling = {tuple(words[n : n + 3]) for n in range(len(words) - 2)}
    assert bool(near_texts(text, text).pairs) is (len(telling) >= 8)


def test_the_search_of_texts_finds_what_comparing_all_finds() -> None:
    rng = np.random.default_rng(7)
    base = [[f"w{word}" for word in rng.integers(0, 400, int(rng.integers(15, 40)))] for _ in range(150)]
    edited = [list(words) for words in base]
    for words in edited:
        for place in rng.integers(0, len(words), int(rng.integers(0, 4))):
            words[int(place)] = "edited"
    first, second = said(*base), said(*edited)

    def shingles(words: list[str]) -> set[tuple[str, ...]]:
        return {tuple(words[place : place + 3]) for place in range(len(words) - 2)}

    wanted = {
        (n, m)
        for n, one in enumerate(map(shingles, base))
        for m, other in enumerate(map(shingles, edited))
        if len(one & other) / len(one | other) >= 0.6
    }
    assert 60 < len(wanted) < 150
    found = near_texts(first, second, similarity=0.6)
    assert {pair[:2] for pair in found.pairs} == wanted and not found.limited


def test_many_texts_of_one_template_are_compared_in_bounds_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each text of the second set still finds one that is near it."""
    monkeypatch.setattr(candidates, "MOST_PAIRS", 5_000)
    monkeypatch.setattr(shingled, "COMMON_SHARE", 1.0)
    template = "what is the value of the bar named number {} in the year of the lord two thousand and four please"
    first, second = (said(*(template.format(n).split() for n in range(300))) for _ in range(2))
    found = near_texts(first, second)
    assert found.limited and {pair.second for pair in found.pairs} == set(range(300))
    assert len(found.pairs) < 300 * 300


def copy_of(prepared: Path, name: str) -> Path:
    return Path(shutil.copytree(prepared, prepared.parent / name))


def test_leaks_across_datasets(prepared: Path) -> None:
    other = copy_of(prepared, "other")
    lines = (other / "openeqa.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines[:6]]
    taken = rows[0]["images"][0]
    smaller = Image.open(other / taken).resize((192, 128))
    smaller.save(other / "images" / "near.png")
    rows[0]["images"][0] = "images/near.png"
    (other / "openeqa.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (result,) = find_leaks([str(prepared / "openeqa"), str(other / "openeqa")], workers=1)
    assert (result.first, result.second) == (str(prepared / "openeqa"), str(other / "openeqa"))
    assert result.counts["example"] == 5
    shared = {image for row in rows for image in row["images"]} - {"images/near.png"}
    assert result.counts["picture"] == len(shared)
    near = next(leak for leak in result.leaks if leak.kind == "near_picture" and "near.png" in leak.what)
    assert near.second.at == "openeqa.jsonl:1" and near.second.id == rows[0]["id"] and taken in near.what
    assert result.total == sum(result.counts.values())


def test_a_certificate_speaks_of_near_duplicates(prepared: Path) -> None:
    split(prepared, "openeqa", test=8)
    good = {check.name: check for check in certify(prepared, "openeqa", workers=1).checks}
    assert good["near-duplicate pictures"].detail == "0 on two sides, within 16 of 255 bits."
    assert good["near-duplicate texts"].good
    train, test = ((prepared / f"openeqa_{side}.jsonl") for side in ("train", "test"))
    taken = json.loads(train.read_text().splitlines()[0])["images"][0]
    rows = [json.loads(line) for line in test.read_text().splitlines()]
    Image.open(prepared / taken).resize((192, 128)).save(prepared / "images" / "near.png")
    rows[3]["images"][1] = "images/near.png"
    test.write_text("".join(json.dumps(row) + "\n" for row in rows))
    checks = {check.name: check for check in certify(prepared, "openeqa_test", workers=1, near=Nearness(12, 0.9)).checks}
    near = checks["near-duplicate pictures"]
    assert not near.good and near.shared == 1 and "images/near.png" in near.examples[0] and rows[3]["id"] in near.examples[0]


def test_a_picture_that_is_gone_is_said_not_to_be_compared(prepared: Path) -> None:
    other = copy_of(prepared, "other")
    gone = json.loads((other / "openeqa.jsonl").read_text().splitlines()[0])["images"][0]
    (other / gone).unlink()
    (result,) = find_leaks([str(prepared / "openeqa"), str(other / "openeqa")], workers=1)
    assert result.notes == ("Not compared, as they cannot be read: 1 picture. vldata validate names them.",)
