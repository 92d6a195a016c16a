"""Solution match: the answer that a reply marks against the answer in a solution, as rewards of GRPO compare them."""

from __future__ import annotations

from vldata.records.solutions import answer_in
from vleval.metric import Scorer
from vleval.metrics.base import pair_metric
from vleval.metrics.exact import exact_match
from vleval.metrics.number_text import values
from vleval.metrics.options import MetricOptions
from vleval.metrics.quantity import quantity_match


def solution_match(prediction: str, reference: str, *, tolerance: float = 0.0) -> float:
    r"""1 when the answer is that of the reference: equal texts, or equal numbers where the reference is a number alone.

    The answer of a reply is what stands in its last `<answer>` or `\boxed{}` or behind `####`, else the whole reply; so is that of the
    reference.
    """
    said, known = answer_in(prediction), answer_in(reference)
    if exact_match(said, known):
        return 1.0
    return quantity_match(said, known, tolerance=tolerance) if len(known) <= _NUMBER and len(values(known)) == 1 else 0.0


_NUMBER = 24  # characters: a longer text with a number in it is a sentence


def vlkit(options: MetricOptions) -> Scorer:
    """Best over the references; see `solution_match`."""
    tolerance = 0.0 if options.tolerance is None else options.tolerance

    def compare(prediction: str, reference: str) -> float:
        return solution_match(prediction, reference, tolerance=tolerance)

    return pair_metric(compare, pick="max", signature=f"answer:marked norm:nfkc+case+blanks+stop tol:{tolerance:g}", binary=True)
