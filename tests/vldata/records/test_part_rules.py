"""The rules of the optional parts, of videos, and what the shortcut settles: each broken rule with its sentence, and no other."""

from __future__ import annotations

import json

import msgspec
import pytest

from vldata.records.record import Message, Record, encode_record
from vldata.records.rules import faults, surely_clean, videos_fault

PATH = "images/3f/" + "3f" * 32 + ".jpg"
UNSET = msgspec.UNSET
CALL = '{"name": "look", "arguments": {}}'


def turn(role: str, content: str, **parts: object) -> Message:
    return Message(role, content, **parts)  # type: ignore[arg-type]


def asked(text: str = "Hi", **parts: object) -> Message:
    return turn("user", text, **parts)


def said(text: str = "Hello", **parts: object) -> Message:
    return turn("assistant", text, **parts)


def record(*turns: Message, **fields: object) -> Record:
    base = {"id": "a/1", "images": (), "references": ("x",), "meta": {}}
    return Record(messages=turns, **{**base, **fields})  # type: ignore[arg-type]


PAIR = (asked(), said())
THOUGHT = (asked(reasoning=""), said(reasoning="So."))
LOSS = (asked(loss=False), said(loss=True))


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (record(*PAIR, rejected=said("No"), wanted=True), [("VL015", "it has both 'rejected' and 'wanted'; a record is for DPO or KTO.")]),
        (record(asked(reasoning=""), said()), [("VL011", "messages[1] and the first turn do not both have 'reasoning'.")]),
        (record(asked(loss=False), said(loss=True, reasoning="")), [
            ("VL011", "messages[1] and the first turn do not both have 'reasoning'."),
        ]),
        (
            record(asked(loss=False, reasoning=""), said()),
            [
                ("VL011", "messages[1] and the first turn do not both have 'loss' and 'reasoning'."),
            ],
        ),
        (record(*THOUGHT, rejected=said("No")), [("VL011", "rejected and the first turn do not both have 'reasoning'.")]),
        (record(asked(reasoning="Why?"), said(reasoning="")), [("VL014", "messages[0] (user) has a thought; only the model's turns may.")]),
        (record(asked(loss=True), said(loss=True)), [("VL014", "messages[0] (user) has `loss` true; only the model's turns may.")]),
        (record(asked(reasoning=""), said(reasoning="a <image>")), [("VL008", "the thought of messages[1] holds '<image>'.")]),
        (record(*THOUGHT, rejected=said("No", reasoning="<|im_end|>")), [("VL008", "the thought of rejected holds '<|im_end|>'.")]),
        (record(asked(loss=False), said(loss=False)), [("VL014", "`loss` is false in every turn, so that nothing of it is learned.")]),
        (record(*PAIR, rejected=asked("No")), [("VL004", "the rejected answer has the role 'user'.")]),
        (record(*PAIR, rejected=said(" \n")), [("VL005", "the rejected answer is empty.")]),
        (record(*PAIR, rejected=said()), [("VL016", "the rejected answer is the chosen one.")]),
        (record(*THOUGHT, rejected=said(reasoning="So.")), [("VL016", "the rejected answer is the chosen one.")]),
        (record(*PAIR, rejected=turn("function_call", "[]")), [("VL028", "rejected (function_call) holds no call.")]),
        (record(*PAIR, rejected=said("<|im_end|>")), [("VL008", "the rejected answer holds '<|im_end|>'.")]),
        (record(asked(), solution=" "), [("VL005", "the solution is empty, though there are references.")]),
        (
            record(*PAIR, solution="4"),
            [("VL004", "the last turn is not the user's, though the record has a solution and no answer to learn.")],
        ),
        (record(turn("system", "s"), solution="4"), [
            ("VL004", "the last turn is not the user's, though the record has a solution and no answer to learn."),
        ]),
        (record(asked("<video>a"), said(), videos=("v.mp4", "w.mp4")), [
            ("VL006", "the user turns have 1 <video> tag, but the record has 2 videos."),
        ]),
        (record(asked("<video>a"), said(), videos=("../v.mp4",)), [("VL009", "'../v.mp4' climbs or has empty parts.")]),
        (record(asked("<video>a"), said("<video>"), videos=("v.mp4",)), [("VL007", "messages[1] (assistant) holds <video>.")]),
        (record(asked("<image>a"), said("<|x|> <image>"), images=(PATH,)), [
            ("VL007", "messages[1] (assistant) holds <image>."), ("VL008", "messages[1] (assistant) holds '<|x|>'."),
        ]),
        (record(asked("<image>a"), turn("function_call", CALL), turn("observation", "<image>b"), said(), images=(PATH,)), [
            ("VL006", "the user turns have 2 <image> tags, but the record has 1 image."),
        ]),
        (record(asked(), said(" "), turn("user", "\t"), said()), [
            ("VL005", "messages[1] (assistant) is empty."), ("VL005", "messages[2] (user) is empty."),
        ]),
        (record(*PAIR, asked()), [("VL004", "the last turn is not the assistant's.")]),
        (record(turn("system", "s"), said(), asked()), [("VL004", "messages[1] has role 'assistant' where the user must speak.")]),
    ],
)  # fmt: skip
def test_each_rule_of_a_part_names_what_is_wrong(broken: Record, expected: list[tuple[str, str]]) -> None:
    found = [(fault.code, fault.message) for fault in faults(broken)]
    assert [code for code, _ in found] == [code for code, _ in expected]
    for (_, message), (_, text) in zip(found, expected, strict=True):
        assert message == text
    line = encode_record(broken)
    assert not surely_clean(broken, line)


@pytest.mark.parametrize(
    "good",
    [
        record(*THOUGHT),
        record(*THOUGHT, asked(reasoning=""), said(reasoning="")),
        record(*LOSS, asked(loss=False), said(loss=False)),
        record(asked(loss=False), turn("function_call", CALL, loss=True), turn("observation", "3", loss=False), said(loss=False)),
        record(*PAIR, rejected=said("No")),
        record(*PAIR, rejected=turn("function_call", CALL)),
        record(*THOUGHT, rejected=said(reasoning="Other.")),
        record(*THOUGHT, rejected=said("No", reasoning="So.")),
        record(asked(), turn("function_call", CALL), rejected=said(CALL)),
        record(*PAIR, wanted=False),
        record(asked(), solution="4"),
        record(turn("system", "s"), *PAIR, asked(), solution="4"),
        record(asked(), solution="", references=()),
        record(asked(loss=False), solution="4"),
        record(asked("<video>a"), said(), videos=("videos/v.mp4",)),
        record(asked("<image>a<video>"), said(), images=(PATH,), videos=("v.mp4",)),
        record(*PAIR, videos=()),
        record(*PAIR, tools=""),
        record(*PAIR, tools='[{"name": "look"}]'),
        record(asked(), turn("function_call", CALL), turn("observation", "<image>3"), said(), images=(PATH,)),
    ],
)
def test_good_parts_have_no_faults(good: Record) -> None:
    assert list(faults(good)) == []


@pytest.mark.parametrize(
    ("turns", "videos", "fault"),
    [
        (PAIR, UNSET, ""),
        ((asked("a<video>"), said()), ("v.mp4",), ""),
        ((turn("system", "s"), asked("a<video>"), said()), ("v.mp4",), ""),
        ((asked("<video><video>"), said()), ("v.mp4", "w.mp4"), "has 2 videos, of which LLaMA-Factory counts all like the first"),
        ((*PAIR, asked("<video>"), said()), ("v.mp4",), "has its video after the first question, where LLaMA-Factory stops"),
        ((said(),), ("v.mp4",), "has its video after the first question, where LLaMA-Factory stops"),
    ],
)
def test_videos_that_llamafactory_misreads(turns: tuple[Message, ...], videos: object, fault: str) -> None:
    assert videos_fault(record(*turns, videos=videos)) == fault


# The shortcut: good records of every common kind pass in any bytes, and whatever is not settled is left to the rule book.


def common(images: int = 1, references: int = 1, meta: int = 0, text: str = "") -> Record:
    return record(
        asked("<image>" * images + "What is it?" + text),
        said("A sofa" + text),
        images=(PATH,) * images,
        references=("x",) * references,
        meta={f"k{number}": "v" for number in range(meta)},
    )


@pytest.mark.parametrize(
    "good",
    [
        *(common(), common(0), common(2), common(3, 0), common(1, 4), common(1, 1, 1), common(2, 3, 5)),
        *(common(text="\u00e9\n"), common(text=' "q" ')),
    ],
)
def test_the_shortcut_settles_common_records(good: Record) -> None:
    line = encode_record(good)
    assert surely_clean(good, line)
    if b"\\" not in line:
        spaced = json.dumps(json.loads(line), ensure_ascii=False).encode()
        assert spaced != line and surely_clean(good, spaced)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_the_shortcut_knows_the_names_of_our_pictures(ending: str) -> None:
    good = record(asked("<image>a"), said(), images=(PATH[:-3] + ending,))
    assert surely_clean(good, encode_record(good))
    for other in ("gif", "jpgx", "jpg/x"):
        foreign = record(asked("<image>a"), said(), images=(PATH[:-3] + other,))
        assert not surely_clean(foreign, encode_record(foreign))
    two = record(asked("<image><image>a"), said(), images=(PATH, "images/a.jpg"))
    assert not surely_clean(two, encode_record(two))


@pytest.mark.parametrize(
    "other",
    [
        record(turn("system", "s"), *PAIR),
        record(asked()),
        record(*PAIR, tools="[]"),
        record(*PAIR, videos=()),
        record(*PAIR, rejected=said("No")),
        record(*PAIR, wanted=True),
        record(asked(), said(), solution="4"),
        record(*THOUGHT),
        record(*LOSS),
        record(asked(), said(reasoning="")),
        record(asked(), said(loss=True)),
        record(asked(reasoning=""), said()),
        record(asked(loss=False), said()),
        record(said(), asked()),
        record(asked(), turn("function_call", CALL)),
        record(turn("observation", "a"), said()),
        record(*PAIR, id=""),
        record(*PAIR, id=" "),
        record(asked(""), said()),
        record(asked("\n"), said()),
        record(asked(), said("")),
        record(asked(), said("\t")),
        record(asked("<image>"), said()),
        record(asked(), said(), images=(PATH,)),
        record(asked("a < b"), said()),
        record(asked(), said("a < b")),
        record(*PAIR, meta={"a": "<"}),
        record(asked("<audio>"), said(), images=(PATH,)),
    ],
)
def test_the_shortcut_leaves_the_rest_to_the_rule_book(other: Record) -> None:
    assert not surely_clean(other, encode_record(other))


def test_the_shortcut_does_not_settle_a_key_that_stands_twice_or_a_hidden_tag() -> None:
    good = common()
    line = encode_record(good)
    twice = line.replace(b'{"id":', b'{"id":"a/1","id":', 1)
    assert msgspec.json.decode(twice, type=Record) == good and not surely_clean(good, twice)
    hidden = line.replace(b"What", b"\\u0057hat")
    assert msgspec.json.decode(hidden, type=Record) == good and surely_clean(good, hidden)
    tag = line.replace(b"What", b"\\u003cimage>What")
    assert not surely_clean(msgspec.json.decode(tag, type=Record), tag)
