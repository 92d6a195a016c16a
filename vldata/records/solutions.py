r"""The answer in a solution: what a prediction is compared with where a record has a solution instead of an answer.

Solutions are kept as rewards read them: `<answer> 3 </answer>` (R1-V, Video-R1), worked out with `\boxed{3}` at the end (OpenR1), `#### 3`
behind the steps (GSM8K), or the answer alone.
"""

from __future__ import annotations

import re

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
