"""Tool calls and lists of tools as LLaMA-Factory's formatters parse them (0.9.5, data/formatter.py and tool_utils.py, format qwen)."""

from __future__ import annotations

import json
import re
from typing import Any

from vldata.linting.outcomes import RowFinding

_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_THOUGHT = re.compile(r"<think>\n(.*?)\n</think>\n\n", re.DOTALL)


def call_fault(content: str) -> RowFinding | None:
    """Return why the content of a function turn is no call, None where it is one."""
    if match := _CALL.search(content):
        part = match.group(1)
    else:
        thought = _THOUGHT.search(content)
        part = content.replace(thought.group(0), "") if thought else content
    try:
        calls = json.loads(part)
    except (ValueError, RecursionError):
        return RowFinding("LF38", f"RuntimeError: Invalid JSON format in function message: {[content]!r:.90}")
    for call in calls if isinstance(calls, list) else [calls]:
        if not isinstance(call, dict):
            return RowFinding("LF38", f"TypeError: a call is {call!r:.60}")
        for key in ("name", "arguments"):
            if key not in call:
                return RowFinding("LF38", f"KeyError: {key!r}")
    return None


def tools_fault(tools: Any) -> RowFinding | None:
    """Return why a column of tools stops the run, None where it does not."""
    if not tools:
        return None
    if type(tools) is not str:
        return RowFinding("LF39", f"TypeError: the JSON object must be str, bytes or bytearray, not {type(tools).__name__}")
    try:
        listed = json.loads(tools)
    except (ValueError, RecursionError):
        return RowFinding("LF39", f"RuntimeError: Invalid JSON format in tool description: {[tools]!r:.90}")
    if not isinstance(listed, list | dict | str):
        return RowFinding("LF39", f"TypeError: object of type {type(listed).__name__!r} has no len()")
    for tool in listed:
        if not isinstance(tool, dict):
            return RowFinding("LF39", f"AttributeError: {type(tool).__name__!r} object has no attribute 'get'")
    return None
