r"""The answer in a solution: what a prediction is compared with where a record has a solution instead of an answer.

Solutions are kept as rewards read them: `<answer> 3 </answer>` (R1-V, Video-R1), worked out with `\boxed{3}` at the end (OpenR1), `#### 3`
behind the steps (GSM8K), or the answer alone.
"""

from __future__ import annotations

import re

from msgspec import UNSET

from vldata.records.record import Record

_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_HASHES = re.compile(r"^####[ \t]*(.+)$", re.MULTILINE)


def answer_in(solution: str) -> str:
    """Return the last answer that a solution marks, or the solution itself."""
    if marked := _ANSWER.findall(solution):
        return answer_in(marked[-1]) if marked[-1].strip() else ""
    if (boxed := _boxed(solution)) is not None:
        return boxed
    if behind := _HASHES.findall(solution):
        return str(behind[-1]).strip()
    return solution.strip()


def accepted_answers(record: Record) -> tuple[str, ...]:
    """The accepted answers of a record: its references, else the answer in its solution, else its last turn, unless that is not wanted."""
    if record.references:
        return record.references
    if record.solution is not UNSET:
        return tuple(filter(None, (answer_in(record.solution),)))
    last = record.messages[-1]
    return (last.content,) if last.role == "assistant" and record.wanted is not False else ()


def _boxed(text: str) -> str | None:
    r"""Return what stands in the last `\boxed{...}`, whose braces may hold others."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for place in range(start + len("\\boxed"), len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + len("\\boxed{") : place].strip()
    return None
