"""A model's thought next to its answer, in every spelling that models and servers write, and the answer without it.

Known: `<think>` and similar (`<thinking>`, `<thought>`, `<reasoning>`, `<seed:think>`, `<mm:think>`, `<reflection>`, `<scratchpad>`,
`<rationale>`, `<cot>`) in any case, with blanks and attributes, and escaped as HTML; `[THINK]` (Magistral); `◁think▷` (Kimi-VL);
`<|START_THINKING|>` (Command A); `<|begin_of_thought|>` (Sky-T1); harmony's channels (gpt-oss), also where a server took the marks off;
`<|channel>thought` (Gemma 4); `<unused94>` (MedGemma); `<details type="reasoning">` (Open WebUI); "Thinking... ...done thinking."
(Ollama's terminal).

An opening mark that is missing, since the prompt held it, is no hindrance: what stands before a closing mark is thought. A thought that is
never closed leaves what stands before it, usually nothing: the answer was cut off.
"""

from __future__ import annotations

import re

_NAME = r"(?:[a-z]{1,20}[:_-])?(?:think(?:ing)?|thoughts?|reasoning|reflection|scratchpad|rationale|cot)"
_CLOSE = (
    rf"<\s{{0,3}}/\s{{0,3}}{_NAME}\s{{0,3}}>|&lt;/\s{{0,3}}{_NAME}\s{{0,3}}&gt;|\[/{_NAME}\]|◁/\s?{_NAME}\s?▷"
    rf"|<\|\s?end_(?:of_)?{_NAME}\|>|<\|{_NAME}_end\|>|<\|/{_NAME}\|>|<channel\|>|<unused95>|</details>"
)
_OPEN = (
    rf"<\s{{0,3}}{_NAME}(?:\s[^<>]{{0,80}})?>|&lt;\s{{0,3}}{_NAME}\s{{0,3}}&gt;|\[{_NAME}\]|◁\s?{_NAME}\s?▷"
    rf"|<\|\s?(?:start|begin)_(?:of_)?{_NAME}\|>|<\|{_NAME}_start\|>|<\|{_NAME}\|>|<\|channel>thought|<unused94>(?:thought)?"
    r"|<details type=\"reasoning\"[^<>]{0,120}>"
)
_MARK = re.compile(f"(?P<close>{_CLOSE})|(?P<open>{_OPEN})", re.IGNORECASE)
_HINT = re.compile(r"think|thought|reasoning|reflection|scratchpad|rationale|cot|<\|channel|<unused9|assistantfinal", re.IGNORECASE)
_FINAL = re.compile(r"<\|channel\|>\s{0,3}final[^<]{0,80}<\|message\|>")
_ENDS = re.compile(r"<\|(?:end|return|start|im_end|endoftext)\|>")
_BARE_HARMONY = re.compile(r"\A\s{0,9}analysis")
_OLLAMA = re.compile(r"\A\s{0,9}Thinking\.{3}\s*\n")
_FRAMES = re.compile(r"<\|(?:START_RESPONSE|END_RESPONSE|begin_of_solution|end_of_solution)\|>")


def without_thought(text: str) -> str:
    """The answer without the thought, its ends stripped; the text itself, unchanged, where it holds none."""
    if not may_hold_thought(text) or _HINT.search(text) is None:
        return text
    if "<|channel|>" in text:
        return _harmony(text)
    if _BARE_HARMONY.match(text) and "assistantfinal" in text:
        return text.rsplit("assistantfinal", 1)[1].strip()
    if _OLLAMA.match(text):
        return text.rsplit("...done thinking.", 1)[1].strip() if "...done thinking." in text else ""
    return _between_marks(text)


# The thoughts that stand before an answer under a mark of their own; all others are left in the text that is learned.
_PAIRS = (
    *((f"<{name}>", f"</{name}>") for name in ("think", "thinking", "thought", "reasoning")),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
)


def split_thought(text: str) -> tuple[str, str] | None:
    """Cut a text into the thought before the answer and the answer; None where it holds none, or not just one at its beginning.

    The opening mark may be missing, since the prompt held it.
    """
    begins = text.lstrip()
    for opening, closing in _PAIRS:
        place = begins.find(closing)
        if place < 0:
            continue
        inside = begins[:place].removeprefix(opening)
        answer = begins[place + len(closing) :].lstrip()
        return None if has_thought(inside) or has_thought(answer) else (inside.strip(), answer)
    return None


def ends_unopened(text: str) -> bool:
    """Whether a thought is closed that was not opened: either the prompt held the opening mark, or the mark is a part of the answer."""
    if not may_hold_thought(text) or "<|channel|>" in text or _HINT.search(text) is None:
        return False
    first = _MARK.search(text)
    return first is not None and first["close"] is not None and _OLLAMA.match(text) is None


def may_hold_thought(text: str) -> bool:
    """Whether a text has a sign that every mark begins with: looked for first, as most texts have none."""
    return "<" in text or "[" in text or "◁" in text or "&" in text or text[:24].lstrip().startswith(("analysis", "Thinking"))


def has_thought(text: str) -> bool:
    """Whether the text holds a thought, or a part of one."""
    return without_thought(text) is not text


def _harmony(text: str) -> str:
    """What stands in the last final channel; "" where the answer ends before it."""
    finals = list(_FINAL.finditer(text))
    return _ENDS.split(text[finals[-1].end() :], maxsplit=1)[0].strip() if finals else ""


def _between_marks(text: str) -> str:
    marks = list(_MARK.finditer(text))
    if not marks:
        return text
    kept: list[str] = []
    position, thinking = 0, False
    for mark in marks:
        if not thinking:
            kept.append(text[position : mark.start()])
        if mark["close"] and not thinking:
            kept = []  # the opening mark was in the prompt: all so far was thought
        thinking = mark["open"] is not None
        position = mark.end()
    behind = "" if thinking else text[position:]
    answer = _FRAMES.sub("", behind).strip()
    return answer or "".join(kept).strip()
