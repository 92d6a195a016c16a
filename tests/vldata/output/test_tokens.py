"""Tokens of records: bytes of text, the costs of a whole dataset, and what is said of the longest record."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vldata.media.pixels import solve_max_pixels
from vldata.output import tokens
from vldata.output.contract import PixelContract, spread
from vldata.output.tokens import TextCost, TokenCounter, estimate_text_tokens, text_bytes
from vldata.records.record import Message, Record

PIXELS = PixelContract("qwen3-vl", 65_536, 589_824, "jpg", 95)


def record(*turns: Message, **fields: object) -> Record:
    return Record(id="a", messages=turns, images=(), references=(), meta={}, **fields)  # type: ignore[arg-type]


def said(text: str, thought: object = msgspec.UNSET) -> Message:
    return Message("assistant", text, reasoning=thought)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "count"), [("", 0), ("red", 3), ("a<b", 3), ("红", 3), ("<image>", 0), ("<image>é<video>\n<image>", 3), ("<images>", 8)]
)
def test_bytes_of_a_text_without_media_tags(content, count):
    assert text_bytes(record(Message("user", content))) == count
    assert text_bytes(record(said(content), rejected=said(""))) == count


def test_bytes_are_of_all_turns_with_their_thoughts():
    turns = (Message("user", "<image>abc"), said("de", "é"), Message("user", "f"), said("ghij", ""))
    assert text_bytes(record(*turns)) == 3 + 2 + 2 + 1 + 4


def test_of_a_pair_the_longer_answer_counts():
    asked = (Message("user", "<video>abc"), said("d", "ee"), Message("user", "f"))
    assert text_bytes(record(*asked, said("long", "er"), rejected=said("short"))) == 7 + 6
    assert text_bytes(record(*asked, said("no"), rejected=said("yes", "<image>!"))) == 7 + 11  # a tag in a thought is text


def test_text_is_a_token_for_three_bytes_and_five_a_turn():
    assert [estimate_text_tokens(count, 0) for count in (0, 1, 3, 4, 300)] == [0, 1, 1, 2, 100]
    assert estimate_text_tokens(4, 2) == 12


def counted(*records: tuple[str, int, int]) -> TokenCounter:
    """Of records as (id, vision, text bytes), of two turns each."""
    counter = TokenCounter()
    for name, vision, text in records:
        counter.add(name, vision=vision, text=text, turns=2, sizes=[(640, 480)] if vision else ())
    return counter


def test_statistics_of_all_of_those_with_media_and_of_text_alone():
    counter = counted(("t", 0, 900), ("m", 200, 30), ("n", 100, 60), ("u", 0, 20))
    everything = counter.statistics()
    assert (everything.vision, everything.text_bytes) == (spread([0, 200, 100, 0]), spread([900, 30, 60, 20]))
    media, text = counter.statistics("media"), counter.statistics("text")
    assert (media.vision, media.text_bytes, media.longest_id) == (spread([200, 100]), spread([30, 60]), "m")
    assert (text.vision, text.text_bytes, text.longest_id) == (spread([0, 0]), spread([900, 20]), "t")
    assert everything.longest_id == "t"  # 310 tokens against 220
    assert counted(("t", 0, 30), ("m", 200, 30)).statistics().longest_id == "m"
    nothing = TokenCounter().statistics()
    assert (nothing.vision.max, nothing.text_bytes.max, nothing.longest_id) == (0, 0, "")


def test_of_two_records_as_long_the_first_is_named():
    assert counted(("m", 200, 30), ("n", 200, 30)).statistics().longest_id == "m"
    assert counted(("t", 0, 30), ("u", 0, 30)).statistics("text").longest_id == "t"


texts = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5), st.sampled_from("abcdef")), max_size=6)


@settings(max_examples=examples(150))
@given(texts, texts)
def test_many_texts_count_as_each_of_them(before, after):
    one, many = counted(("m", 20, 30)), counted(("m", 20, 30))
    for batch in (before, after):
        many.add_texts([TextCost(*text) for text in batch])
        for count, turns, name in batch:
            one.add(name, vision=0, text=count, turns=turns, sizes=())
    assert [one.statistics(which) for which in ("all", "media", "text")] == [many.statistics(which) for which in ("all", "media", "text")]
    assert [one.verdict(PIXELS, cutoff) for cutoff in (5, 30, 40)] == [many.verdict(PIXELS, cutoff) for cutoff in (5, 30, 40)]


def test_nothing_is_said_of_no_record():
    assert TokenCounter().verdict(PIXELS) == ""


def test_a_record_that_fits():
    head = "Longest record: "
    assert counted(("m", 1_500, 900)).verdict(PIXELS) == head + "1,500 vision tokens and about 310 of text: it fits cutoff_len 2048."
    assert "it fits cutoff_len 1810." in counted(("m", 1_500, 900)).verdict(PIXELS, 1_810)
    assert counted(("t", 0, 3_000)).verdict(PIXELS) == head + "0 vision tokens and about 1,010 of text: it fits cutoff_len 2048."


def eight(count: int = 8, text: int = 90) -> TokenCounter:
    counter = TokenCounter()
    counter.add("few", vision=300, text=30, turns=2, sizes=[(640, 480)])
    counter.add("many", vision=578 * count, text=text, turns=2, sizes=[(1920, 1080)] * count)
    return counter


def test_a_record_that_fits_with_smaller_pictures_alone():
    assert eight().verdict(PIXELS) == (
        "Longest record: 4,624 vision tokens and about 40 of text: cutoff_len >= 4664, or --max-pixels 261120 to fit cutoff_len 2048."
    )
    exactly = solve_max_pixels(
        [(1920, 1080)] * 8, text_tokens=40, cutoff=1_000, processor="qwen3-vl", min_pixels=65_536, max_pixels=589_824
    )
    assert f"--max-pixels {exactly} to fit cutoff_len 1000." in eight().verdict(PIXELS, 1_000)


def test_a_record_that_fits_with_no_pictures():
    head = "Longest record: 57,800 vision tokens and about 40 of text: "
    assert eight(100).verdict(PIXELS) == head + "cutoff_len >= 57840."
    assert eight(8, text=6_300).verdict(PIXELS).endswith("and about 2,110 of text: cutoff_len >= 6734.")


def test_the_budget_is_the_least_that_any_mixture_of_sizes_needs():
    """Of records with the same pictures the longest text counts, videos count as text, and every mixture has its say."""
    counter = TokenCounter()
    counter.add("a", vision=578 * 4, text=90, turns=2, sizes=[(1920, 1080), (640, 480)] * 2)
    counter.add("b", vision=578 * 4, text=300, turns=2, sizes=[(640, 480), (640, 480), (1920, 1080), (1920, 1080)])
    counter.add("c", vision=578 * 4, text=60, turns=2, sizes=[(1920, 1080), (640, 480)] * 2)
    counter.add("d", vision=578 * 3 + 700, text=30, turns=2, sizes=[(1000, 1000)] * 3, videos=700)
    budgets = [
        solve_max_pixels(sizes, text_tokens=text, cutoff=1_500, processor="qwen3-vl", min_pixels=65_536, max_pixels=589_824)
        for sizes, text in (([(640, 480), (640, 480), (1920, 1080), (1920, 1080)], 110), ([(1000, 1000)] * 3, 720))
    ]
    assert len(set(budgets)) == 2
    assert f"--max-pixels {min(budgets)} to fit cutoff_len 1500." in counter.verdict(PIXELS, 1_500)  # type: ignore[type-var]


def test_too_many_mixtures_of_sizes_are_not_held(monkeypatch):
    monkeypatch.setattr(tokens, "_MAX_SHAPES", 2)
    assert "--max-pixels" in eight().verdict(PIXELS)
    counter = eight()
    counter.add("third", vision=300, text=30, turns=2, sizes=[(100, 100)])
    counter.add("fourth", vision=300, text=30, turns=2, sizes=[(100, 100)])
    counter.add_texts([TextCost(9, 1, "t")])
    assert counter.verdict(PIXELS).endswith("cutoff_len >= 4664.")
