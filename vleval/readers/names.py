"""What the fields of a prediction go by, in every tool and in people's own files. A new name is one word here.

Names are compared by their letters and digits alone: `question_id`, `questionId` and `Question ID` are one name.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SEPARATORS = re.compile(r"[\W_]+")

# A model's own words, the most telling first: of several the first is read and the others are named.
PREDICTION_NAMES = """
prediction pred predicted model_prediction predicted_answer pred_answer answer_pred model_answer llm_answer gpt_answer
vlm_answer model_response llm_response gpt_response vlm_response response responses model_output model_outputs output outputs
predict predictions generated_text generated_answer generated_response generated_output generated generation generations
model_generation completion completions hypothesis hypotheses hyp filtered_resps resps pred_text predicted_text pred_response
predicted_response predicted_output text_output output_text raw_prediction raw_response raw_output raw_answer full_response
llm_output vlm_output assistant_response assistant reply decoded decoded_text generated_caption predicted_caption pred_caption
candidate prediction_text response_text pred_ans pred_answers pred_str model_pred model_ans gen_answer gen_text answer_generated resp
rsp parsed_pred extracted_prediction extracted_answer pred_label predicted_label pred_choice predicted_choice 预测 预测结果 预测答案
模型预测 模型回答 模型输出 模型回复 模型答案 回复
"""
# Names that also stand for a question, for a document or for the truth: taken where nothing else can be the answer.
WEAK_NAMES = """
result results caption text content final_answer value 回答 answer
"""
REFERENCE_NAMES = """
references reference refs ref reference_answer reference_answers ref_answer answers labels label targets target ground_truth
ground_truths ground_truth_answer ground_truth_answers gt_answer gt_answers gt gts gt_label gt_text gold golds gold_answer
gold_answers golden_answer golden_answers gold_label correct_answer correct_answers correct_option correct_choice correct_label
true_answer true_label expected expected_answer expected_output expected_answers standard_answer std_answer actual actual_answer
annotation multiple_choice_answer possible_answers acceptable_answers direct_answers ideal solution truth reference_text
reference_caption reference_output target_text label_text ref_ans gt_ans std_ans correct_ans y_true answer_key
captions 标准答案 参考答案 正确答案 真实答案 真值 标签 答案 value answer
"""
ID_NAMES = """
id question_id custom_id doc_id index qid uid uuid sample_id data_id record_id item_id example_id instance_id row_id query_id
task_id pid idx line_idx key unique_id 编号 序号 题号
"""
# What a record says next to its answer. A text field that is none of these, nor a reference or an id, may hold the answer.
_CONTEXT = """
question query problem prompt input instruction instructions system messages conversations conversation context hint rationale
explanation reasoning reasoning_content thought thoughts analysis lecture passage image images image_path image_paths image_id
image_name image_file image_url img img_path imgname image_source picture file file_name filename path video videos video_id
video_path videoid audio url choices options option a b c d e f g h i j k l m n o p scene episode cluster cluster_id g_index
category categories subcategory sub_category l2_category l2category l3_category task tasks task_type task_name type kind
question_type answer_type human_or_machine subject subfield subtype topic topic_difficulty domain sub_domain field img_type
skill skills grade difficulty level capability ability language lang locale country source source_dataset data_source dataset
dataset_name benchmark bench_name split set subset group tag tags version model model_name model_id model_path model_type
checkpoint engine provider answer_id review_id request_id run_id score scores mark marks rating acc accuracy correct is_correct
iscorrect hit hits match matched judge judgement judgment verdict error errors status finish_reason stop_reason usage logprobs
logprob latency latency_s time timestamp created date duration tokens prompt_tokens completion_tokens width height size
resolution meta metadata extra extra_answers extra_info info config year year_flags schema seed epoch round turn step comment
comments note notes remark annotator author unit precision answer_unit token_counts doc_hash arguments prompt_hash target_hash
episode_history dialogue_id object object_id bbox comment 类别 题型 问题 题目 图片
"""


@lru_cache(1 << 14)
def plain_name(name: str) -> str:
    """The letters and digits of a field's name, in lower case."""
    return _SEPARATORS.sub("", name).lower()


def _ranks(names: str) -> dict[str, int]:
    return {plain_name(name): rank for rank, name in enumerate(names.split())}


PREDICTIONS = _ranks(PREDICTION_NAMES)
WEAK = _ranks(WEAK_NAMES)
REFERENCES = _ranks(REFERENCE_NAMES)
IDS = _ranks(ID_NAMES)
CONTEXT_NAMES = frozenset(_ranks(_CONTEXT))
