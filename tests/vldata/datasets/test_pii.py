from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vldata.datasets import pii
from vldata.datasets.dataset import Dataset
from vldata.datasets.pii import LABELS, redact, redact_text, scan_dataset, scan_text
from vldata.errors import DataError
from vldata.output.folder import DatasetPaths
from vldata.validation import validate

# Made up: 110105 19491231 002 is the example of the standard, with its check digit X.
RIGHT, WRONG = "11010519491231002X", "110105194912310021"


def kinds(text: str) -> list[str]:
    return [hit.code for hit in scan_text(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (RIGHT, ["VL041"]),
        (RIGHT.lower(), ["VL041"]),
        (WRONG, ["VL041"]),
        ("公民身份号码11010519491231002X，住址", ["VL041"]),
        ("110105 19491231 002X", ["VL041"]),
        ("１１０１０５１９４９１２３１００２Ｘ", ["VL041"]),
        ("990105194912310021", []),  # no such region
        ("110105194913310021", []),  # no such month
        ("110105184912310021", []),  # too long ago
        ("x110105194912310021", []),
        ("1101051949123100211", []),
        ("联系电话13812345678。", ["VL042"]),
        ("138-1234-5678 or 138 1234 5678", ["VL042", "VL042"]),
        ("+86 13812345678, 008613812345678", ["VL042", "VL042"]),
        ("1381234567 12812345678 138123456789", []),
        ("$13812345678 and 13,812,345,678 and 13812345678%", []),
        ("images/13812345678.jpg", []),
        ("(010) 12345678, 0755-1234567", ["VL042", "VL042"]),
        ("2020-12345678", []),
        ("+1 (415) 555-2671, +44 20 7946 0958, +14155552671", ["VL042", "VL042", "VL042"]),
        ("+12.5 %, +100000, +123456.789012, 3+4155552671, +1,415,555,267", []),
        ("邮箱zhang.san@example.com.cn！", ["VL043"]),
        ("a@b, @name, user@host, 3 @ 4.50", []),
        ("write to a@example.org or call 13812345678", ["VL043", "VL042"]),
        ("Full Time Employees 2019: 1,208; ratio 0.08; 26958202006631.png", []),
    ],
)
def test_what_is_personal(text: str, found: list[str]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    "unit",
    ["+1" + "1" * 60 + " ", "1 " * 9, "a." * 30 + "@", "a@" + "b" * 60 + ".", "110105 19491231 002", "(010) 1234567", "13812345678 "],
)
def test_a_hostile_text_costs_no_more_than_a_long_one(unit: str) -> None:
    started = time.process_time()
    scan_text(unit * (400_000 // len(unit)))
    assert time.process_time() - started < 2


def test_what_is_found_is_shown_masked() -> None:
    shown = [hit.shown for hit in scan_text(f"{RIGHT} {WRONG} 13812345678 zhang@example.com")]
    assert shown == ["110…2X, check digit right", "110…21, check digit wrong: mistyped or made up", "138…78", "z…@example.com"]


PERSONAL = (RIGHT, "1381234567", "138-1234-5678", "+86 13812345678", "(010) 1234567", "0755-12345678", "+1 (415) 555-2671", "+14155552671")


@settings(max_examples=examples(600), deadline=None)
@given(st.lists(st.sampled_from((*PERSONAL, "a@b.cn", "+", "(", ") ", "-", ".", " ", "7", "1234567", "x", "身")), max_size=6).map("".join))
def test_the_quick_look_misses_nothing(text: str) -> None:
    """What is passed over for its looks is what no pattern finds."""
    with pytest.MonkeyPatch.context() as patch:
        for look in ("_WORTH_A_LOOK", "_WORTH_ALL"):
            patch.setattr(pii, look, re.compile(""))
        wanted = scan_text(text)
    assert scan_text(text) == wanted


@given(st.text(alphabet="0123456789Xx-+ ()@.acn身", max_size=60))
def test_nothing_is_left_after_redaction(text: str) -> None:
    hits = scan_text(text)
    cleaned = redact_text(text)
    assert (cleaned == text) is (not hits)
    assert sum(cleaned.count(label) for label in LABELS.values()) == len(hits)
    assert all(0 <= hit.start < hit.end <= len(text) for hit in hits)


@pytest.fixture
def personal(prepared: Path) -> Path:
    """The sample with personal data in a question, an answer, a reference and a meta value."""
    path = prepared / "openeqa.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[1]["messages"][0]["content"] += f" {RIGHT}"
    rows[3]["messages"][1]["content"] = rows[3]["references"][0] = "13812345678"
    rows[5]["meta"]["extra"] = '{"by": "zhang@example.com"}'
    content = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows).encode()
    path.write_bytes(content)
    contract = prepared / "openeqa.contract.json"
    document = json.loads(contract.read_text())
    document["files"][0]["sha256"] = hashlib.sha256(content).hexdigest()
    contract.write_text(json.dumps(document))
    return prepared


def test_findings_name_the_line_and_the_place(personal: Path) -> None:
    count, findings = scan_dataset(str(personal / "openeqa"))
    assert count == 28
    assert [(finding.where.rsplit(":", 1)[1], finding.code, finding.message) for finding in findings.kept] == [
        ("2", "VL041", "messages[0]: 110…2X, check digit right."),
        ("4", "VL042", "messages[1]: 138…78."),
        ("4", "VL042", "references[0]: 138…78."),
        ("6", "VL043", "meta.extra: z…@example.com."),
    ]
    assert "Cure: Remove it from the source" in "\n".join(findings.lines())


def test_a_redacted_copy_is_clean_and_valid(personal: Path) -> None:
    assert redact(DatasetPaths(personal, "openeqa")) == ("openeqa_redacted", 3)
    assert scan_dataset(str(personal / "openeqa_redacted"))[1].total == 0
    assert not validate(personal, workers=1).findings.total
    kept = list(Dataset(personal / "openeqa_redacted"))
    assert kept[1].messages[0].content.endswith(" [id number]") and kept[3].references[0] == "[phone]"
    assert kept[0] == next(iter(Dataset(personal / "openeqa")))
    with pytest.raises(DataError, match="is there already"):
        redact(DatasetPaths(personal, "openeqa"))
    with pytest.raises(DataError, match="Choose another name"):
        redact(DatasetPaths(personal, "openeqa"), "openeqa", overwrite=True)
    assert redact(DatasetPaths(personal, "openeqa"), overwrite=True) == ("openeqa_redacted", 3)
