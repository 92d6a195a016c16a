"""`vldata pii`: personal data in a dataset, found or taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from vldata.api.params import DatasetTarget, NewName, Replace, new_name
from vldata.flags import Flag
from vldata.jobs import JobResult
from vldata.output.folder import DatasetPaths
from vldata.remote.reach import reaches
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.records.findings import FindingList


@dataclass(frozen=True, repr=False)
class PersonalData(JobResult):
    """What was found in `records` records; `redacted` names the copy without it, in which `changed` records differ.

    `note` says that the dataset's files are not those of the contract.
    """

    records: int
    findings: FindingList
    redacted: str = ""
    changed: int = 0
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing was found, or a copy without it was registered."""
        return not self.findings.total or bool(self.redacted)

    def lines(self) -> Iterator[str]:
        """Yield the findings and the count."""
        yield from self.findings.lines()
        total = counted(self.findings.total, "finding") if self.findings.total else "no findings"
        yield f"{counted(self.records, 'record')}, {total}."

    def asides(self) -> Iterator[str]:
        """Yield what the copy is and what stays in it, or the note."""
        yield from [self.note] if self.note else []
        if self.redacted:
            yield f"Registered {self.redacted!r}: {self.changed:,} of {counted(self.records, 'record')} changed."
            if any(finding.message.startswith("id:") for finding in self.findings.kept):
                yield "Ids were kept as they are, for other files know the records by them: some hold personal data."

    def document(self) -> dict[str, Any]:
        """Return counts and masked findings."""
        import msgspec

        found = [{**msgspec.to_builtins(finding), "cure": finding.cure} for finding in self.findings.kept]
        return {"records": self.records, "counts": dict(self.findings.counts), "findings": found, "redacted": self.redacted}


@reaches(target="derive")
def pii(
    target: DatasetTarget,
    *,
    redact: Annotated[bool, Flag("Register a copy with labels in place of what was found.")] = False,
    name: NewName = None,
    overwrite: Replace = False,
) -> PersonalData:
    """Look for identity numbers, phone numbers and e-mail addresses in every text; exit 1 when there are any.

    With --redact a copy without them is registered as NAME_redacted, or under the name of --as.

    Raises:
        DataError: the dataset cannot be read, or the name is taken.
    """
    from vldata.datasets.dataset import changed_note
    from vldata.datasets.pii import redact as run_redact
    from vldata.datasets.pii import scan_dataset

    paths = DatasetPaths.at(target)
    wanted = new_name(name, f"{paths.name}_redacted")
    count, findings = scan_dataset(paths)
    if not redact:
        return PersonalData(count, findings, note=changed_note(target, "what was searched"))
    copy, changed = run_redact(paths, wanted, overwrite=overwrite)
    return PersonalData(count, findings, copy, changed)
