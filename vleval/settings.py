"""What the commands of `vleval` and the functions behind them are told: one frozen struct for each group of options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from vldata.flags import Flag, OptionGroup
from vleval.metrics.options import MetricOptions


def _profiles() -> list[str]:
    from vleval.profiles import PROFILES

    return list(PROFILES)


def _metrics() -> list[str]:
    from vleval.profiles import table

    return [name for name, _ in table()]


def _benchmarks() -> list[str]:
    from vleval.benchmarks.table import BENCHMARKS

    return list(BENCHMARKS)


class Allow(OptionGroup, frozen=True, kw_only=True):
    """What may differ between predictions and references. Missing answers count as wrong, of duplicates the last is taken."""

    PANEL: ClassVar[str] = "Reading"

    missing: Annotated[bool, Flag("Count questions without a prediction as wrong instead of stopping.", ("--allow-missing",))] = False
    duplicates: Annotated[bool, Flag("Take the last of several predictions with one id instead of stopping.", ("--allow-duplicates",))] = (
        False
    )
    extra: Annotated[bool, Flag("Leave out predictions without a reference instead of stopping.", ("--allow-extra",))] = False


class FieldNames(OptionGroup, frozen=True, kw_only=True):
    """Fields that the user names; "" leaves the choice to us. A path goes into objects and lists: `output.0.text`, `output[0].text`."""

    PANEL: ClassVar[str] = "Reading"

    prediction: Annotated[
        str,
        Flag(
            "Field of the model's answer; a.b.0 goes into objects and lists.", ("--prediction-field",), metavar="PATH", show_default=False
        ),
    ] = ""
    reference: Annotated[str, Flag("Field of the accepted answers.", ("--reference-field",), metavar="PATH", show_default=False)] = ""
    id: Annotated[str, Flag("Field of the id.", ("--id-field",), metavar="PATH", show_default=False)] = ""


class Reading(OptionGroup, frozen=True, kw_only=True):
    """How predictions files are read and joined with references.

    Attributes:
        format: a name of `vleval.readers.formats.FORMATS`; "" to find out.
        fields: where id, prediction and reference are; by default found by their names and said.
        encoding: of tables that are not UTF-8; "" to find out.
        by_order: join rows by their order, whatever ids they have.
        strict: a guess about what the file means stops the run instead of being said.
        allow: which differences between predictions and references do not stop the run.
    """

    PANEL: ClassVar[str] = "Reading"

    format: Annotated[str, Flag("Read the file as this format instead of finding out.")] = ""
    fields: FieldNames = FieldNames()
    encoding: Annotated[
        str, Flag("Encoding of a table that is not UTF-8, as gb18030. Default: found out and said.", show_default=False)
    ] = ""
    by_order: Annotated[bool, Flag("Join predictions and references by their order in the files.")] = False
    strict: Annotated[bool, Flag("Stop at every guess about what the files mean instead of saying it.")] = False
    allow: Allow = Allow()


class Scoring(OptionGroup, frozen=True, kw_only=True):
    """Which numbers are computed, and how.

    Attributes:
        profile: whose behaviour the metrics reproduce: a name of `vleval.profiles.PROFILES`.
        benchmark: a name of `vleval.benchmarks.table.BENCHMARKS`, which sets profile and metric; "" for none.
        metrics: names as `--metric` takes them; by default those that the profile recommends for the rows' task.
        group_by: the field that rows are clustered by; None to choose, "none" for independent rows.
        options: settings of the metrics.
        extras: compute ceiling, floor and style loss too.
        seed: of the bootstrap, of samples and of the shuffle.
    """

    PANEL: ClassVar[str] = "Scoring"

    profile: Annotated[str, Flag("Whose behaviour the metrics reproduce; `vleval score --list` shows them.", complete=_profiles)] = "vlkit"
    benchmark: Annotated[
        str,
        Flag(
            "Compute this benchmark's official number; `vleval score --list-benchmarks` shows them.",
            metavar="NAME",
            show_default=False,
            complete=_benchmarks,
        ),
    ] = ""
    metrics: Annotated[
        tuple[str, ...],
        Flag("A metric; may be given more than once. Default: by the rows' task.", ("--metric",), show_default=False, complete=_metrics),
    ] = ()
    group_by: Annotated[
        str | None, Flag("Field that rows are clustered by; none for independent rows.", metavar="KEY", show_default=False)
    ] = None
    options: MetricOptions = MetricOptions()
    extras: bool = True
    seed: Annotated[int, Flag("Seed of resampling and of samples.", least=0, most=2**31 - 1)] = 0


class Judging(OptionGroup, frozen=True, kw_only=True):
    """Where the marks of `llm_match` come from: a file of marks, or a model that is asked for them.

    Attributes:
        marks: a file of marks by id.
        url: address of an OpenAI-compatible server; its verdicts are cached by content.
        model: the judge's name, as its server lists it.
        mode: our wording with the answer in a data block, or OpenEQA's own.
        prompts: for `upstream`: `prompts/` of a checkout of open-eqa.
        rubric: for `robust`: a text that says what the marks 1 to 5 mean.
        cache: where verdicts are kept; by default next to the predictions file, and nowhere for predictions in memory.
        human_marks: marks of people by id, with which the judge is compared.
    """

    PANEL: ClassVar[str] = "Judging"

    marks: Annotated[Path | None, Flag("A judge's marks by id, for llm_match.", metavar="FILE", show_default=False)] = None
    url: Annotated[
        str,
        Flag("Ask a model for marks: address of an OpenAI-compatible server.", ("--judge",), metavar="URL", show_default=False),
    ] = ""
    model: Annotated[str, Flag("The judge's name, as its server lists it.", ("--judge-model",), show_default=False)] = ""
    mode: Annotated[
        Literal["robust", "upstream"], Flag("Our wording with the answer in a data block, or OpenEQA's, exact.", ("--judge-mode",))
    ] = "robust"
    prompts: Annotated[Path | None, Flag("For upstream: prompts/ of a checkout of open-eqa.", ("--judge-prompts",), show_default=False)] = (
        None
    )
    rubric: Annotated[
        Path | None, Flag("For robust: a text that says what the marks 1 to 5 mean.", ("--judge-rubric",), show_default=False)
    ] = None
    cache: Annotated[
        Path | None,
        Flag("Where verdicts are kept. Default: next to the predictions.", ("--judge-cache",), metavar="FILE", show_default=False),
    ] = None
    human_marks: Annotated[
        Path | None, Flag("Marks of people by id: say how far the judge agrees with them.", metavar="FILE", show_default=False)
    ] = None
