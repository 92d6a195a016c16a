"""What the chat page says, in English and Chinese."""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["en", "zh"]


class Words(NamedTuple):
    """Labels and sentences; those with braces are filled in."""

    as_data: str
    plain: str
    pictures: str
    question: str
    ask: str
    new: str
    answer: str
    earlier: str
    details: str
    shown: str
    settings: str
    system: str
    max_tokens: str
    temperature: str
    top_p: str
    seed: str
    not_asked: str
    no_answer: str
    you: str
    model: str
    as_uploaded: str
    from_uploaded: str
    picture: str
    prompt: str
    unseen: str
    turns_before: str
    ended: str
    system_message: str
    asked: str


ENGLISH = Words(
    as_data="as {} asks",
    plain="no dataset: the question as it is, at most {:,} pixels a picture",
    pictures="Pictures",
    question="Question",
    ask="Ask",
    new="New conversation",
    answer="Answer",
    earlier="Earlier turns",
    details="What was shown and asked",
    shown="As the model sees it",
    settings="System message and sampling",
    system="System message",
    max_tokens="Most tokens of an answer",
    temperature="Temperature (0: greedy)",
    top_p="Top p",
    seed="Seed",
    not_asked="Not asked: {}",
    no_answer="No answer: {}",
    you="You",
    model="Model",
    as_uploaded="as uploaded",
    from_uploaded="of {}x{} uploaded",
    picture="{name}: {width}x{height} px {made}, {tokens:,} tokens",
    prompt="Prompt: {tokens:,} tokens, {pictures:,} of pictures by our count",
    unseen=" - too few to hold them: the server does not see these pictures as we count them",
    turns_before="Turns before: {}",
    ended="Ended by: {}",
    system_message="System message:",
    asked="Asked:",
)
CHINESE = Words(
    as_data="按数据集 {} 的方式提问",
    plain="没有数据集:问题原样发送,每张图片最多 {:,} 像素",
    pictures="图片",
    question="问题",
    ask="提问",
    new="新对话",
    answer="回答",
    earlier="之前的对话",
    details="模型看到的内容",
    shown="模型看到的图片",
    settings="系统消息与采样",
    system="系统消息",
    max_tokens="回答的最大 token 数",
    temperature="温度(0 为贪心解码)",
    top_p="Top p",
    seed="随机种子",
    not_asked="未提问:{}",
    no_answer="没有回答:{}",
    you="用户",
    model="模型",
    as_uploaded="与上传一致",
    from_uploaded="上传时为 {}x{}",
    picture="{name}:{width}x{height} 像素,{made},{tokens:,} 个 token",
    prompt="提示:{tokens:,} 个 token,其中图片按我们的计数为 {pictures:,} 个",
    unseen=";放不下这些图片:服务器看到的图片与我们的计数不符",
    turns_before="之前的轮数:{}",
    ended="结束原因:{}",
    system_message="系统消息:",
    asked="提问内容:",
)
WORDS: dict[Language, Words] = {"en": ENGLISH, "zh": CHINESE}
