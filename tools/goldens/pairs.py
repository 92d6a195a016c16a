"""Seeded pairs of answers and references that provoke differences between scorers."""

from __future__ import annotations

import json
import random
import string
from typing import Any

Pair = dict[str, Any]

ENGLISH_WORDS = (
    "yes no left right the a an on table red blue green white black chair sofa kitchen bathroom door window two three ten none zero "
    "dont couldve isnt its that's ow's'at it's A B C TV air conditioning unit Microsoft C++ C# c++ AT&T U.S.A. e-mail x-ray 3D iPhone "
    "next to near above percent million increased decreased answer is image chart bar Yes No Left unanswerable organisation and of"
)
ENGLISH = ENGLISH_WORDS.split()
CHINESE_CHARACTERS = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"
)
CHINESE_WORDS = (
    "北京 上海 苹果 桌子 红色的 两个 三分之一 没有 是的 发票号码 身份证 增长率 万元 T恤 B超 人工智能 你好 世界 不知道 左边 右边 "
    "营业收入 同比增长 中华人民共和国 卡拉OK C盘 维生素C 十二 二〇二五年 一百二十三 百分之五 C++语言"
)
CHINESE = [*CHINESE_CHARACTERS, *CHINESE_WORDS.split()]
EMOJI = list("😀🐱🚀❤️👍🏽é ñ ß İ ﬁ Ω ½ ² ①Ⅻ①٣１２３，。！？：；“”（）【】…—、　")
NUMBER_WORDS = (
    "0 1 2 3 5 10 45 100 2008 2010 1,234 1234 1.05 1.0 0.95 45% 45 0.45 $5 5 3.5M 3.5 -3 +7 1e3 5. .5 1,234.56 12,345,678 0% 0.0 "
    "$1,234 €20 £3 50% 3/4 4/5 1:30 10-20 ½ 2½ 1_000 inf nan -0 00 7.10 100.0% %% 5%% ３．５ ４５％ 三 十二 \\$20 **5** 3.14159 3.1416"
)
NUMBERS = NUMBER_WORDS.split()
MARKS = list(".,;:!?-_/\\'\"()[]{}<>@#$%^&*+=~`|")
THINK = ("<think>", "</think>", "<think>\nLet me see.\n</think>\n\n", "<think>unfinished ")
PREFIXES = (
    "The answer is ",
    "ANSWER: ",
    "Answer: **",
    "answer :",
    "It is ",
    "答案：",
    "I think it's ",
    "\n",
    "  ",
    "(B) ",
    "B. ",
    "Your mark: ",
)


def text_pairs(count: int, seed: int) -> list[Pair]:
    """Pairs of an answer and one to three references."""
    rng = random.Random(seed)
    return [_text_pair(rng) for _ in range(count)]


def vqa_pairs(count: int, seed: int) -> list[Pair]:
    """An answer and ten annotators' answers, of which many agree."""
    rng = random.Random(seed)
    pairs = []
    for _ in range(count):
        pool = [_short(rng) for _ in range(rng.randint(1, 4))]
        pool += [_edited(rng, text) for text in pool if rng.random() < 0.5]
        known = [rng.choice(pool) for _ in range(rng.choice((1, 2, 3, 10, 10, 10)))]
        pairs.append({"p": _edited(rng, rng.choice(pool)) if rng.random() < 0.6 else rng.choice([*pool, _short(rng)]), "r": known})
    return pairs


def choice_pairs(count: int, seed: int) -> list[Pair]:
    """An answer to a question with options."""
    rng = random.Random(seed)
    pairs = []
    for _ in range(count):
        options = list(dict.fromkeys(_short(rng).strip() or "none" for _ in range(rng.randint(2, 6))))
        letter = rng.choice(string.ascii_uppercase[: len(options)])
        option = options[string.ascii_uppercase.index(letter)]
        answer = rng.choice(
            [
                letter,
                letter.lower(),
                f"({letter})",
                f"{letter}. {option}",
                f"ANSWER: {letter}",
                f"The correct answer is **{letter}**.",
                f"Answer: {letter}, not {rng.choice('ABCDEF')}",
                option,
                f"I would say {option}",
                f"{letter} or {rng.choice('ABCDEF')}",
                f"A dog is shown, so {letter}",
                f"Cannot determine the answer {letter}",
                f"ANSWER: {letter}.\nANSWER : {rng.choice('ABCDEF')}",
                f"answer is {letter}) {_short(rng)} {_short(rng)} {_short(rng)}",
                "Z",
                "",
                _text(rng),
            ]
        )
        pairs.append(
            {"p": answer, "r": [rng.choice((letter, letter, rng.choice(string.ascii_uppercase[: len(options)])))], "choices": options}
        )
    return pairs


def json_pairs(count: int, seed: int) -> list[Pair]:
    """A JSON answer and a JSON reference that share most of their fields."""
    rng = random.Random(seed)
    pairs = []
    for _ in range(count):
        wanted = _object(rng, 0)
        given = _changed(rng, wanted)
        dumped = json.dumps(given, ensure_ascii=rng.random() < 0.3, indent=rng.choice((None, 2)))
        dressed = rng.choice((dumped, dumped, f"```json\n{dumped}\n```", dumped[: rng.randint(0, len(dumped))]))
        pairs.append({"p": dressed, "r": [json.dumps(wanted, ensure_ascii=False)], "given": given, "wanted": wanted})
    return pairs


def box_pairs(count: int, seed: int) -> list[Pair]:
    """Two boxes that may overlap; none without area."""
    rng = random.Random(seed)

    def box() -> list[float]:
        left, top = rng.randint(0, 60), rng.randint(0, 60)
        return [left, top, left + rng.choice((1, 10, 25.5, 40)), top + rng.randint(1, 40)]

    pairs = []
    for _ in range(count):
        first = box()
        pairs.append({"p": "", "r": [""], "a": first, "b": rng.choice((first, box(), box(), box()))})
    return pairs


def _text_pair(rng: random.Random) -> Pair:
    known = [_text(rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    kind = rng.random()
    if kind < 0.15:
        answer = rng.choice(known)
    elif kind < 0.65:
        answer = _edited(rng, rng.choice(known))
    elif kind < 0.75:
        answer = rng.choice(PREFIXES) + rng.choice(known)
    elif kind < 0.82:
        answer = rng.choice(THINK) + rng.choice(known)
    else:
        answer = _text(rng)
    return {"p": answer, "r": known}


def _text(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.03:
        return rng.choice(("", " ", "\n", "\t", ".", "。", "?", "......", "……", "\u3000", "\x00", "\r\n"))
    if kind < 0.30:
        return _short(rng)
    if kind < 0.32:
        return "[" + ", ".join(_short(rng) for _ in range(rng.randint(1, 4))) + "]"
    if kind < 0.34:
        return str([_short(rng) for _ in range(rng.randint(1, 4))])
    if kind < 0.36:
        return "".join(rng.choice(string.printable) for _ in range(rng.randint(1, 60)))
    if kind < 0.365:
        return _joined(rng, rng.randint(150, 400))
    return _joined(rng, rng.randint(1, 18))


def _short(rng: random.Random) -> str:
    pool = rng.choice((ENGLISH, ENGLISH, NUMBERS, NUMBERS, CHINESE))
    return " ".join(rng.choice(pool) for _ in range(rng.choice((1, 1, 1, 2, 3))))


def _joined(rng: random.Random, count: int) -> str:
    weights = rng.choice(((8, 0, 0, 1, 1), (0, 8, 0, 1, 1), (4, 4, 1, 1, 1), (1, 1, 1, 6, 1), (2, 2, 2, 2, 2)))
    pools = (ENGLISH, CHINESE, EMOJI, NUMBERS, MARKS)
    glue = rng.choice(("", " ", " ", " ", "\n", "\n\n", ". ", "。", "? ", "\t", "  "))
    parts = [rng.choice(rng.choices(pools, weights)[0]) for _ in range(count)]
    return "".join(part + (glue if rng.random() < 0.8 else rng.choice(("", " ", ", ", "\n", "? ", "……", "......"))) for part in parts)


def _edited(rng: random.Random, text: str) -> str:
    for _ in range(rng.randint(1, 3)):
        at = rng.randint(0, len(text))
        text = rng.choice(
            (
                text.lower(),
                text.upper(),
                text + ".",
                text + "%",
                text.strip(),
                " " + text + " ",
                text[:at] + text[at + 1 :],
                text[:at] + rng.choice(ENGLISH + CHINESE + NUMBERS + MARKS) + text[at:],
                text[:at] + " " + text[at:],
                text[:at],
                text.replace(" ", "", 1),
                text.replace(".", ""),
                text.replace(",", ""),
                text.replace(" ", "\n", 1),
                text + " " + rng.choice(ENGLISH),
                text,
            )
        )
    return text


def _object(rng: random.Random, depth: int) -> Any:
    keys = ["name", "total", "date", "items", "发票号码", "menu", "price", "a", "bb"]
    rng.shuffle(keys)
    return {key: _value(rng, depth) for key in keys[: rng.randint(1, 5)]}


def _value(rng: random.Random, depth: int) -> Any:
    kind = rng.random()
    if depth < 2 and kind < 0.12:
        return _object(rng, depth + 1)
    if depth < 2 and kind < 0.24:
        return [_object(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    if kind < 0.34:
        return [_text_leaf(rng) for _ in range(rng.randint(0, 4))]
    if kind < 0.40:
        return rng.choice((None, True, False, 0, "", 3, 4.5))
    return _text_leaf(rng)


def _text_leaf(rng: random.Random) -> str:
    return _short(rng) if rng.random() < 0.8 else _joined(rng, rng.randint(1, 4))


def _changed(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict):
        result = {key: _changed(rng, item) for key, item in value.items() if rng.random() > 0.08}
        if rng.random() < 0.15:
            result["extra"] = _value(rng, 2)
        return result
    if isinstance(value, list):
        items = [_changed(rng, item) for item in value if rng.random() > 0.1]
        if rng.random() < 0.3:
            rng.shuffle(items)
        return items
    if isinstance(value, str) and rng.random() < 0.3:
        return _edited(rng, value)
    return _text_leaf(rng) if rng.random() < 0.05 else value
