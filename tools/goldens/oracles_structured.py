"""Oracles of answers with a structure: options and JSON."""

from __future__ import annotations

import json
import logging
import string
import types
from pathlib import Path

from upstream import Pair, Values, cut, guarded, site


def vlmevalkit_choice(pairs: list[Pair], repos: Path) -> list[Values]:
    """`can_infer`, without a judge."""
    import copy
    import os
    from collections import Counter

    names = ["_VERBOSE_ANSWER_RE", "can_infer_option", "can_infer_text", "can_infer"]
    space = {"cp": copy, "os": os, "Counter": Counter, "logger": logging.getLogger("vlmeval")}
    matching = cut(repos / "VLMEvalKit/vlmeval/utils/matching_util.py", names, space)

    def one(pair: Pair) -> Values:
        choices = dict(zip(string.ascii_uppercase, pair["choices"], strict=False))
        return {"multiple_choice": guarded(lambda: float((matching["can_infer"](pair["p"], choices) or "Z") == pair["r"][0]))}

    return [one(pair) for pair in pairs]


def evalscope_choice(pairs: list[Pair], repos: Path) -> list[Values]:
    """`parse_answers` of the installed evalscope."""
    path = site("evalscope") / "utils/multi_choices.py"
    names = [
        "_ANSWER_MARKER_RE",
        "_BRACKETED_LABEL_RE",
        "_LATEX_LABEL_PREFIX_RE",
        "_PLAIN_LABEL_RE",
        "_LABEL_TOKEN_RE",
        "_LABEL_CONNECTORS",
    ]
    names += [
        "_LABEL_CONNECTOR_RE",
        "_fallback_parse_answer",
        "_is_label_word",
        "_label_prefix",
        "_last_labelled_answer",
        "answer_character",
    ]
    parse = cut(path, [*names, "parse_answers"])["parse_answers"]

    def one(pair: Pair) -> Values:
        state = types.SimpleNamespace(output=types.SimpleNamespace(completion=pair["p"]), choices=pair["choices"])
        return {"multiple_choice": guarded(lambda: float("".join(sorted(parse(state))) == pair["r"][0]))}

    return [one(pair) for pair in pairs]


def inspect_choice(pairs: list[Pair], repos: Path) -> list[Values]:
    """`parse_answers` of the installed inspect_ai."""
    root = site("inspect_ai")
    helpers = cut(root / "_util/answer.py", ["answer_character", "answer_index"])
    parse = cut(root / "solver/_multiple_choice.py", ["parse_answers"], helpers)["parse_answers"]

    def one(pair: Pair) -> Values:
        state = types.SimpleNamespace(output=types.SimpleNamespace(completion=pair["p"]), choices=pair["choices"])
        return {"multiple_choice": guarded(lambda: float(parse(state, False) == {pair["r"][0]}))}

    return [one(pair) for pair in pairs]


def json_packages(pairs: list[Pair], repos: Path) -> list[Values]:
    """The anls_star package over JSON values."""
    from anls_star import anls_score

    return [{"anls_star": guarded(lambda pair=pair: float(anls_score(pair["wanted"], pair["given"])))} for pair in pairs]


def coco(pairs: list[Pair], repos: Path) -> list[Values]:
    """Overlaps by the mask code of pycocotools."""
    import numpy as np
    from pycocotools import mask

    def sized(corners: list[float]) -> list[float]:
        return [corners[0], corners[1], corners[2] - corners[0], corners[3] - corners[1]]

    return [{"iou": float(mask.iou(np.array([sized(pair["a"])]), np.array([sized(pair["b"])]), [0])[0][0])} for pair in pairs]


def donut(pairs: list[Pair], repos: Path) -> list[Values]:
    """Donut's `JSONParseEvaluator`."""
    scorer = cut(repos / "donut/donut/util.py", ["JSONParseEvaluator"], {"Node": object})["JSONParseEvaluator"]()
    return [{"json_f1:donut": guarded(lambda pair=pair: scorer.cal_f1([pair["given"]], [pair["wanted"]]))} for pair in pairs]


def ccocr(pairs: list[Pair], repos: Path) -> list[Values]:
    """CC-OCR's field F1, as VLMEvalKit carries it."""
    from collections import Counter

    names = ["flatten", "normalize_dict", "cal_f1_all", "normalize_values_of_nested_dict", "post_process_to_json", "fullwidth_to_halfwidth"]
    path = repos / "VLMEvalKit/vlmeval/dataset/utils/ccocr_evaluator/kie_evaluator.py"
    space = cut(path, [*names, "remove_unnecessary_spaces"], {"Counter": Counter, "print": lambda *words: None})

    def normal(text: str) -> str:
        return space["remove_unnecessary_spaces"](space["fullwidth_to_halfwidth"](str(text)))

    def one(pair: Pair) -> float:
        data = space["post_process_to_json"](pair["p"])
        given = {} if data is None else {"x": data}
        wanted = {"x": json.loads(pair["r"][0])}
        tidy = space["normalize_values_of_nested_dict"]
        return float(space["cal_f1_all"](tidy(given, normal), tidy(wanted, normal))[0])

    return [{"json_f1:ccocr": guarded(lambda pair=pair: one(pair))} for pair in pairs]
