"""Findings: what a rule says of a place, and how a list of them is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from vldata.records.codes import CODES

SHOWN_PER_CODE = 10


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: where (`file:line`), which record, which rule, in one sentence, and the cure."""

    where: str
    code: str
    message: str
    id: str = ""

    @property
    def cure(self) -> str:
        """What to do now, from the table of codes."""
        return CODES[self.code].cure


class FindingList:
    """Collects findings: every one counted, all kept up to `keep` of a code."""

    def __init__(self, keep: int = 1000) -> None:
        self.counts: Counter[str] = Counter()
        self.kept: list[Finding] = []
        self._keep = keep

    def add(self, finding: Finding) -> None:
        """Count a finding and keep it while its code has not filled its share."""
        self.counts[finding.code] += 1
        if self.counts[finding.code] <= self._keep:
            self.kept.append(finding)

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add several."""
        for finding in findings:
            self.add(finding)

    def __len__(self) -> int:
        return self.counts.total()

    @property
    def total(self) -> int:
        """How many findings there were, shown or not."""
        return self.counts.total()

    def lines(self, shown: int = SHOWN_PER_CODE) -> Iterator[str]:
        """Yield the lines a person reads: per code a heading, the first findings, how many more, and the cure."""
        for code in sorted(self.counts):
            entry = CODES[code]
            count = self.counts[code]
            yield f"{code} {entry.title} ({count:,})"
            for finding in [f for f in self.kept if f.code == code][:shown]:
                subject = f" [{finding.id}]" if finding.id else ""
                yield f"  {finding.where}:{subject} {finding.message}"
            if count > shown:
                yield f"  ... and {count - shown:,} more"
            yield f"  Cure: {entry.cure}"
