"""The benchmarks. A new one is a module, a line here and a test."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace

import msgspec

from vldata.errors import UsageError
from vleval import profiles
from vleval.benchmarks import ccocr, choices, mathvista, mmmu, ocrbench, ocrbench_v2, refcoco, vsibench, yes_no
from vleval.benchmarks.base import LMMS_EVAL, LMMS_EVAL_COMMIT, VLMEVALKIT, VLMEVALKIT_COMMIT, Benchmark, in_percent
from vleval.kept import changed
from vleval.metric import Metric
from vleval.metrics import anls, chartqapro, exact, llm_match, relaxed, vqa
from vleval.metrics.base import Builder
from vleval.rows import Row
from vleval.settings import Judging, Scoring

_CHOICES = "vlmeval/dataset/utils/multiple_choice.py"
_EXACT_MATCHING = "each answer without a judge (exact_matching); an answer that names no option is wrong, as there"


def _vlmevalkit(title: str, file: str, equal: str, build: Builder, prepare: Callable[[Row], Row] | None = None) -> Benchmark:
    return Benchmark(
        title=title, source=VLMEVALKIT, file=file, commit=VLMEVALKIT_COMMIT, equal=equal, profile="vlmevalkit", build=build, prepare=prepare
    )


def _lmms_eval(title: str, file: str, equal: str, build: Builder) -> Benchmark:
    return Benchmark(title=title, source=LMMS_EVAL, file=file, commit=LMMS_EVAL_COMMIT, equal=equal, profile="lmms-eval", build=build)


def _asked_once(name: str) -> Benchmark:
    return _vlmevalkit(f"{name}: accuracy of multiple choice", f"{_CHOICES} eval_vanilla", _EXACT_MATCHING, choices.vanilla)


def _vqa_eval(title: str, method: str, build: Builder) -> Benchmark:
    file = f"vlmeval/dataset/utils/vqa_eval.py process_line({method}), hit_calculate"
    return _vlmevalkit(title, file, "each answer", in_percent(build))


BENCHMARKS: dict[str, Benchmark] = {
    "pope": _vlmevalkit(
        "POPE: F1; accuracy, precision, recall, yes ratio; by split",
        "vlmeval/dataset/utils/yorn.py POPE_rating",
        "F1, accuracy, precision, recall and the splits without a judge; the yes ratio is ours",
        yes_no.pope,
    ),
    "pope:official": Benchmark(
        title="POPE by its authors' script: F1; accuracy, precision, recall, yes ratio",
        source="RUCAIBox/POPE",
        file="evaluate.py",
        commit="3df3ba1b110ecce25696989577fad583b67d4239",
        equal="all five numbers; a failed request is wrong and not a yes",
        profile="pope",
        build=yes_no.pope_official,
    ),
    "hallusionbench": _vlmevalkit(
        "HallusionBench: aAcc; fAcc, qAcc and their mean",
        "vlmeval/dataset/utils/yorn.py Hallusion_rating",
        "aAcc, fAcc and qAcc in all and by category, without a judge",
        yes_no.hallusion,
        yes_no.with_set,
    ),
    "mmstar": _asked_once("MMStar"),
    "ai2d": _asked_once("AI2D"),
    "realworldqa": _asked_once("RealWorldQA"),
    "erqa": _vlmevalkit(
        "ERQA: accuracy of the bare letter",
        "vlmeval/dataset/erqa.py evaluate",
        "each answer: the same text without case and outer blanks, so that a sentence around the letter is wrong, as there",
        in_percent(exact.stripped_lower),
    ),
    "mmbench": _vlmevalkit(
        "MMBench: questions right in every order of their options",
        f"{_CHOICES} mcq_circular_eval",
        "each question without a judge (exact_matching)",
        choices.circular,
        choices.with_circle,
    ),
    "video-mme": _vlmevalkit(
        "Video-MME: accuracy; by duration",
        "vlmeval/dataset/videomme.py evaluate, vlmeval/dataset/utils/videomme.py",
        "each answer and the accuracy by duration without a judge",
        choices.video_mme,
        choices.with_video,
    ),
    "chartqa": _vqa_eval("ChartQA: relaxed accuracy; human and augmented", "relaxed_accuracy", relaxed.vlmevalkit),
    "chartqa:lmms-eval": _lmms_eval(
        "ChartQA: relaxed accuracy; human and augmented",
        "lmms_eval/tasks/chartqa/utils.py relaxed_correctness",
        "each answer",
        in_percent(relaxed.lmms_eval),
    ),
    "chartqapro": Benchmark(
        title="ChartQAPro: relaxed accuracy of lists, years and texts",
        source="vis-nlp/ChartQAPro",
        file="evaluate_predictions.py",
        commit="4b422c658270aff1d3105fd0fb39b1dd5de9f08c",
        equal="each answer",
        profile="chartqapro",
        build=in_percent(chartqapro.relaxed_accuracy),
    ),
    "docvqa": _vqa_eval("DocVQA: ANLS", "anls", anls.raw_length),
    "infovqa": _vqa_eval("InfographicVQA: ANLS", "anls", anls.raw_length),
    "textvqa": _vqa_eval("TextVQA: VQA accuracy", "vqa_score", vqa.vlmevalkit_builder),
    "textvqa:lmms-eval": _lmms_eval(
        "TextVQA: VQA accuracy with EvalAI's processor",
        "lmms_eval/tasks/textvqa/utils.py textvqa_process_results",
        "each answer",
        in_percent(vqa.lmms_eval_builder),
    ),
    "ocrbench": _vlmevalkit(
        "OCRBench v1: percent right; points of 1,000 by category",
        "vlmeval/dataset/image_vqa.py OCRBench.evaluate",
        "each answer, the points by category and the final score",
        ocrbench.ocrbench,
    ),
    "cc-ocr": _vlmevalkit(
        "CC-OCR: mean of its four tracks; by track and sub-dataset",
        "vlmeval/dataset/image_ccocr.py CCOCRDataset.evaluate, vlmeval/dataset/utils/ccocr_evaluator",
        "each answer, sub-dataset, track and the total; a table whose span is no number is 0, where upstream ends",
        ccocr.ccocr,
    ),
    "ocrbench-v2": Benchmark(
        title="OCRBench v2: mean of the English and the Chinese score; by ability",
        source="Yuliang-Liu/MultimodalOCR",
        file="OCRBench_v2/eval_scripts/eval.py process_predictions, get_score.py",
        commit="794c36d6423cf1d5764081128bcaeb46b240def6",
        equal="each answer of all thirty kinds, the abilities and both scores; 0 where upstream's script ends; METEOR is nltk's own",
        profile="ocrbench-v2",
        build=ocrbench_v2.ocrbench_v2,
    ),
    "mmmu": Benchmark(
        title="MMMU: accuracy; multiple choice and open questions",
        source="MMMU-Benchmark/MMMU",
        file="mmmu/utils/eval_utils.py",
        commit="bb0b95a945998d91dfef37e969e07d49d1139438",
        equal="each answer that names an option, and each open one; where upstream guesses at random the answer is wrong and counted",
        profile="mmmu",
        build=mmmu.mmmu,
    ),
    "mathvista": Benchmark(
        title="MathVista: accuracy of answers read by rules, or by a model (--judge)",
        source="lupantech/MathVista",
        file="evaluation/extract_answer.py extract_answer, evaluation/calculate_score.py normalize_extracted_answer",
        commit="53d525874bdde205128e6b160b7357a88277d479",
        equal="each answer that a rule reads, and each extraction compared; the wording that a model is asked in is ours",
        profile="mathvista",
        build=mathvista.mathvista,
        extract=mathvista.by_rules,
    ),
    "mathvista:vlmevalkit": Benchmark(
        title="MathVista: accuracy of answers read by VLMEvalKit's rules, or by a model (--judge)",
        source=VLMEVALKIT,
        file="vlmeval/dataset/utils/mathvista.py post_check",
        commit=VLMEVALKIT_COMMIT,
        equal="each answer that a rule reads, and each extraction compared; texts and lists are never right, as there",
        profile="mathvista",
        build=mathvista.vlmevalkit,
        extract=mathvista.by_letters,
    ),
    "openeqa": Benchmark(
        title="OpenEQA: LLM-Match of marks that a judge gave (--marks, --judge)",
        source="facebookresearch/open-eqa",
        file="openeqa/evaluation/llm_match.py parse_score, evaluate-predictions.py",
        commit="cfa3fce4595c1622bb2f8a38ae2ca9aae9eb685b",
        equal="each mark that upstream's parser reads; a missing answer is 0",
        profile="openeqa",
        build=llm_match.llm_match,
        marked=True,
    ),
    "refcoco": Benchmark(
        title="RefCOCO, RefCOCO+, RefCOCOg: Acc@0.5 of one split; mean IoU",
        source=VLMEVALKIT,
        file="vlmeval/dataset/refcoco.py evaluate",
        commit=VLMEVALKIT_COMMIT,
        equal="each answer, Precision@1 and IoU of a split; the right box is read from the answer field",
        profile="refcoco",
        build=refcoco.refcoco,
    ),
    "vsi-bench": Benchmark(
        title="VSI-Bench: mean over kinds of question of accuracy and mean relative accuracy",
        source="vision-x-nyu/thinking-in-space",
        file="lmms_eval/tasks/vsibench/utils.py",
        commit="51e089c3ae69b9435e9489058610f5b3964c56a8",
        equal="each answer, the kinds and the mean",
        profile="thinking-in-space",
        build=vsibench.vsibench,
    ),
}


def known_name(name: str) -> str:
    """The name under which a benchmark stands in the table, whatever its case.

    Raises:
        UsageError: there is none.
    """
    known = name.lower().replace("_", "-")
    if known in BENCHMARKS:
        return known
    close = difflib.get_close_matches(known, BENCHMARKS, n=1)
    near = f"; did you mean {close[0]!r}?" if close else "."
    raise UsageError(f"no benchmark {name!r}{near}", cure="Benchmarks: " + ", ".join(BENCHMARKS) + ".")


def in_benchmark(scoring: Scoring) -> Scoring:
    """The scoring with the benchmark's profile, where one was asked for.

    Raises:
        UsageError: no such benchmark, or a profile, metric or limit of another kind was named next to it.
    """
    if not scoring.benchmark:
        return scoring
    name = known_name(scoring.benchmark)
    profile = BENCHMARKS[name].profile
    if scoring.profile not in ("vlkit", profile):
        raise UsageError(f"--benchmark {scoring.benchmark} has a profile of its own.", cure=f"Leave --profile {scoring.profile} out.")
    if scoring.metrics not in ((), (name,)):
        raise UsageError(f"--benchmark {scoring.benchmark} has a metric of its own.", cure="Leave --metric out, or score a second time.")
    if scoring.options.tolerance is not None or scoring.options.threshold is not None:
        raise UsageError(f"--benchmark {scoring.benchmark} has limits of its own.", cure="Leave --tolerance and --threshold out.")
    return msgspec.structs.replace(scoring, profile=profile, benchmark=name)


def prepared(scoring: Scoring, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with the groups that the benchmark's rows hang together by."""
    prepare = BENCHMARKS[scoring.benchmark].prepare if scoring.benchmark else None
    return rows if prepare is None else changed(rows, prepare)


def check_judging(scoring: Scoring, judging: Judging) -> None:
    """Refuse a judge, or marks, next to a benchmark that needs none.

    Raises:
        UsageError: such a benchmark was asked for.
    """
    if not scoring.benchmark:
        return
    benchmark = BENCHMARKS[known_name(scoring.benchmark)]
    if benchmark.extract is not None and judging.marks is None:
        return
    if not benchmark.marked:
        raise UsageError(f"--benchmark {scoring.benchmark} reads no marks.", cure="Leave --marks and --judge out: it is scored by rules.")


def reads_by_rules(scoring: Scoring) -> Callable[[Row], str | None] | None:
    """How the benchmark reads an answer by rules, where a judge extracts the others; None where it gives marks."""
    return BENCHMARKS[known_name(scoring.benchmark)].extract if scoring.benchmark else None


def benchmark_metric(scoring: Scoring) -> Metric | None:
    """The metric of a scoring that `in_benchmark` returned; None where no benchmark was asked for."""
    if not scoring.benchmark:
        return None
    benchmark = BENCHMARKS[scoring.benchmark]
    scorer = benchmark.build(scoring.options)
    scorer = replace(scorer, signature=f"benchmark:{scoring.benchmark} {scorer.signature}")
    return profiles.finished(scorer, scoring.benchmark, benchmark.profile, scoring.options)


def benchmark_documents() -> dict[str, dict[str, str]]:
    """The table as data: title, source, file, commit and what is equal, by name."""
    told = [field.name for field in fields(Benchmark) if field.name not in ("build", "prepare", "marked", "extract")]
    return {name: {key: getattr(benchmark, key) for key in told} for name, benchmark in BENCHMARKS.items()}


def benchmark_lines() -> Iterator[str]:
    """The table as text."""
    width = max(map(len, BENCHMARKS))
    for name, benchmark in BENCHMARKS.items():
        yield f"{name:<{width}}  {benchmark.title}"
        yield f"{'':<{width}}  {benchmark.source} {benchmark.commit[:8]} {benchmark.file}"
        yield f"{'':<{width}}  equal: {benchmark.equal}"
