"""The functions of the task, as a user of lmms-eval writes them; letters are read by the harness's own MMMU code. Runs in its venv."""

from lmms_eval.tasks._task_utils.mmmu_mcq_utils import get_multi_choice_info, parse_mmmu_multi_choice_response
from PIL import Image


def visual(doc):
    """The picture."""
    return [Image.open(doc["image"]).convert("RGB")]


def text(doc, lmms_eval_specific_kwargs=None):
    """The question, its options, and MMMU's wording."""
    options = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCD", doc["options"], strict=True))
    return f"{doc['question']}\n{options}\n\nAnswer with the option's letter from the given choices directly."


def results(doc, results):
    """The letter that MMMU's code reads."""
    texts, letters = get_multi_choice_info(doc["options"])
    return {"mmmu_acc": {"answer": doc["answer"], "parsed_pred": parse_mmmu_multi_choice_response(results[0], letters, texts)}}


def aggregate(results):
    """The share that is right."""
    return sum(result["parsed_pred"] == result["answer"] for result in results) / len(results)
