"""`vldata lint`: anybody's dataset, judged where it is by a trainer's own rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from vldata.api.params import OnProgress, Tokenizer
from vldata.errors import DataError, UsageError, VlkitError
from vldata.flags import Arg, Flag
from vldata.jobs import JobResult
from vldata.suggest import nearest
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.linting.consumer import Consumer
    from vldata.linting.run import Linted, LintFinding

_SHOWN = 5
_NO_LIMIT = 1 << 31
_NAMES = ("llamafactory", "swift", "trl", "qwen", "llava", "internvl", "axolotl", "unsloth")


@dataclass(frozen=True, repr=False)
class LintResult(JobResult):
    """What will happen to each row; see `vldata.linting.run.Linted`. `fixed` says what `--fix` wrote, or why it could not."""

    linted: Linted
    fixed: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every row trains as meant."""
        return self.linted.ok

    @property
    def outcomes(self) -> dict[str, int]:
        """Rows by what becomes of them, worst first."""
        return self.linted.outcomes

    @property
    def findings(self) -> tuple[LintFinding, ...]:
        """What will happen, where, in the order of the rows; at most 1,000 of a code."""
        return self.linted.findings

    def lines(self) -> Iterator[str]:
        """Yield the counts by outcome, then each behaviour with its first places, what happens and the cure."""
        from vldata.linting import CONSUMERS
        from vldata.linting.outcomes import OUTCOMES

        linted, table = self.linted, CONSUMERS[self.linted.consumer].table
        rows = sum(part.rows for part in linted.parts)
        yield f"{counted(rows, 'row')} as {CONSUMERS[linted.consumer].title} {linted.version} reads {linted.path}:"
        for name, count in linted.outcomes.items():
            yield f"  {count:>9,}  {OUTCOMES[name].title}"
        if len(linted.parts) > 1:
            away = [part.name for part in linted.parts if part.is_elsewhere]
            if away:
                more = " ..." if len(away) > 5 else ""
                yield f"  {len(away):,} without a local file, not judged: {', '.join(away[:5])}{more}"
            for part in linted.parts:
                if part.is_elsewhere:
                    continue
                inside = ", ".join(f"{count:,} {OUTCOMES[name].title}" for name, count in part.outcomes.items())
                yield f"  {part.name}: {counted(part.rows, 'row')}: {inside or 'none'}"
        order = list(OUTCOMES)
        for code in sorted(linted.counts, key=lambda code: (order.index(table[code].outcome), code)):
            behaviour, count = table[code], linted.counts[code]
            yield ""
            yield f"{code} {behaviour.title} ({count:,}): {OUTCOMES[behaviour.outcome].title}"
            here = [finding for finding in linted.findings if finding.code == code][:_SHOWN]
            for finding in here:
                yield f"  {finding.where}: {finding.detail}" if finding.detail else f"  {finding.where}"
            if count > len(here):
                yield f"  ... and {count - len(here):,} more"
            yield f"  What happens: {behaviour.happens}"
            yield f"  Cure: {behaviour.cure}"
        yield from self.fixed

    def asides(self) -> Iterator[str]:
        """Yield what was assumed, and the next step."""
        yield from self.linted.said
        if not self.ok and not self.fixed:
            yield "What can be saved: vldata lint ... --fix OUT converts it; docs/lint.md has every behaviour with its place in the source."

    def document(self) -> dict[str, Any]:
        """Return the counts, the parts and the findings with what happens and the cure."""
        import msgspec

        from vldata.linting import CONSUMERS

        table = CONSUMERS[self.linted.consumer].table
        return {
            "path": str(self.linted.path),
            "as": self.linted.consumer,
            "version": self.linted.version,
            "outcomes": self.outcomes,
            "datasets": [{"name": part.name, "rows": part.rows, "outcomes": part.outcomes} for part in self.linted.parts],
            "counts": self.linted.counts,
            "findings": [
                {
                    **msgspec.to_builtins(finding),
                    "outcome": table[finding.code].outcome,
                    "title": table[finding.code].title,
                    "happens": table[finding.code].happens,
                    "cure": table[finding.code].cure,
                }
                for finding in self.findings
            ],
            "assumed": list(self.linted.said),
            "fixed": list(self.fixed),
        }


def lint(
    path: Annotated[Path, Arg("A file or folder of rows, as somebody has it.", "PATH")],
    as_: Annotated[
        str, Flag(f"The trainer that will read it: {', '.join(_NAMES)}.", ("--as",), metavar="TRAINER", complete=_NAMES)
    ] = "llamafactory",
    *,
    cutoff: Annotated[
        int | None, Flag("Tokens a row may have; by default the trainer's own limit.", least=1, most=2**31, show_default=False)
    ] = None,
    tokenizer: Tokenizer = "",
    media_root: Annotated[
        Path | None, Flag("Folder that media paths are relative to; by default where the trainer looks.", metavar="DIR", show_default=False)
    ] = None,
    dataset: Annotated[str, Flag("Only this entry of dataset_info.json.", metavar="NAME", show_default=False)] = "",
    stage: Annotated[
        Literal["", "sft", "rm", "kto", "pt"], Flag("What is trained: sft, rm, kto or pt; by default what the columns say.")
    ] = "",
    boxes: Annotated[
        Literal["auto", "pixels", "0-1000"], Flag("What four numbers in a text are; auto takes for pixels what fits the image.")
    ] = "auto",
    set_: Annotated[
        tuple[str, ...], Flag("A setting of the trainer, by its own name; may be given several times.", ("--set",), metavar="KEY=VALUE")
    ] = (),
    follow_links: Annotated[
        bool, Flag("Read files that a dataset_info.json or meta file names outside its folder, for example on another disk.")
    ] = False,
    no_files: Annotated[bool, Flag("Look at the rows alone, not at media files.")] = False,
    fix: Annotated[Path | None, Flag("Convert what can be saved into this folder.", metavar="OUT", show_default=False)] = None,
    on_progress: OnProgress | None = None,
) -> LintResult:
    """Say for every row what a trainer will really do with it: train, stop, drop, cut, pass over; exit 1 where not all is as meant.

    The rows are read by the trainer's own rules, written from its source; nothing of it is imported and nothing of a dataset is run.

    Raises:
        DataError: there is nothing at the path that this trainer could read.
        UsageError: no such trainer or entry.
    """
    from vldata.linting import CONSUMERS
    from vldata.linting.consumer import Options
    from vldata.linting.run import lint_path
    from vldata.linting.texts import Counter
    from vldata.models.text import load_tokenizer

    path = Path(path)
    if as_ not in CONSUMERS:
        raise UsageError(f"no rules for {as_!r}.{nearest(as_, CONSUMERS)}", cure=f"Known are {', '.join(CONSUMERS)}.")
    if not path.exists():
        raise DataError("is not there.", where=str(path), cure="Give a file or folder of rows.")
    settings = _settings(set_, CONSUMERS[as_])
    if (limit := CONSUMERS[as_].limit) in settings:
        cutoff = settings.pop(limit) or _NO_LIMIT
    options = Options(
        cutoff=cutoff,
        counter=Counter(load_tokenizer(tokenizer) if tokenizer else None),
        media_root=media_root,
        dataset=dataset,
        files=not no_files,
        follow_links=follow_links,
        boxes=boxes,
        stage=stage,
        settings=settings,
    )
    linted = lint_path(path, CONSUMERS[as_], as_, options, on_progress=on_progress)
    return LintResult(linted, tuple(_fix(linted, as_, fix, follow_links=follow_links)) if fix else ())


def _settings(given: tuple[str, ...] | None, consumer: Consumer) -> dict[str, Any]:
    """Read KEY=VALUE as YAML reads values: true, 12, a text; a setting that the rules do not follow is refused."""
    import yaml

    settings = {}
    for one in given or ():  # a command line without the option gives None
        key, mark, value = one.partition("=")
        if not mark or not key:
            raise UsageError(f"--set {one!r} is no KEY=VALUE.", cure="For example: --set cutoff_len=4096.")
        known = sorted({*consumer.settings, *filter(None, [consumer.limit])})
        if key not in known:
            cure = f"These are: {', '.join(known)}." if known else "None is."
            raise UsageError(f"what {key} does in {consumer.title} is not followed here.{nearest(key, known)}", cure=cure)
        try:
            settings[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            settings[key] = value
    return settings


def _fix(linted: Linted, consumer: str, out: Path, *, follow_links: bool) -> Iterator[str]:
    """Convert each dataset as conversations, else as images with a text each; yields what came of each."""
    from vldata.api.convert import convert

    for part in linted.parts:
        tried: list[str] = []
        ways = [("sharegpt", source, entry) for source, entry in part.sources]
        ways += [("jsonl", source, "") for source, entry in part.sources if not entry]
        for converter, source, entry in ways:
            try:
                given: dict[str, Any] = {"dataset": entry} if entry else {}
                made = convert(converter, source, out=out, name=part.name, repair=True, max_rejects=1.0, follow_links=follow_links, **given)
            except VlkitError as error:
                tried.append(f"  as {converter}: {error}")
                continue
            for one in made:
                yield f"Fixed {part.name}: {counted(one.counts.written, 'record')} written, {one.counts.rejected:,} rejected."
                yield from (f"  left out {reject.where}: {reject.reason}" for reject in one.rejects[:_SHOWN])
                yield from _for_trainer(consumer, out, one.names)
            break
        else:
            yield f"Not fixed: {part.name}."
            yield from tried


def _for_trainer(consumer: str, out: Path, names: tuple[str, ...]) -> Iterator[str]:
    """Export datasets where the trainer has a form of its own; one that cannot hold them is named, and the records stay."""
    from vldata.api.export import export
    from vldata.linting import CONSUMERS

    one = CONSUMERS[consumer]
    if not one.export:
        yield f"  dataset_dir: {out}, dataset: {', '.join(names)}"
    for name in names if one.export else ():
        try:
            yield f"  for {one.title}: {export(out / name, one.export).files[0]}"
        except VlkitError as error:
            yield f"  {out / name} is not written for {one.title}: {error}"
