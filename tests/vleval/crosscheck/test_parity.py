from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.vleval.crosscheck.fake_model import FakeModel
from tests.vleval.inference.server import FakeServer, http, serve
from vldata.datasets.dataset import Dataset
from vldata.errors import UsageError
from vldata.models.families import FAMILIES
from vleval.crosscheck.backends import Spec, open_backend, parse_backends
from vleval.crosscheck.divergence import find_in_record
from vleval.crosscheck.views import Expected, Reply, plain_places, renders_exactly
from vleval.inference.ask import AskTurn, Sampler, iter_asks

PLACE = "<|vision_start|><|image_pad|><|vision_end|>"


def compare(vleval: Any, prepared: Path, tiny: Path, wrong: str, *more: str, tells: bool = True, rendering: bool = True) -> tuple[Any, Any]:
    with serve(FakeModel(tiny, tells=tells)) as good, serve(FakeModel(tiny, wrong, tells=tells)) as bad:
        backends = f"openai={good.url},vllm={bad.url}"
        args = ["parity", "--data", prepared / "openeqa", "--model", "tiny", "--backends", backends, "--limit", "2", *more, "--json"]
        ran = vleval(*args, *(["--rendering", tiny] if rendering else []))
    assert "Traceback" not in ran.err
    return ran, json.loads(ran.out)


def test_equal_servers_do_not_differ(vleval: Any, prepared: Path, tiny_model: Path) -> None:
    ran, found = compare(vleval, prepared, tiny_model, "", "--strict")
    assert ran.code == 0 and found["same"] and found["first"] is None
    one, two = found["backends"]
    seen = one["seen"][0]
    assert seen["reply"]["prompt"].startswith("<|im_start|>user\n<image><image>") and seen["divergence"] is None
    expected = found["rendered"][seen["record"]]
    assert seen["reply"]["ids"] == expected["ids"] and expected["pictures"] == [84, 84]
    assert seen["reply"]["prompt_tokens"] - seen["blind_tokens"] == 2 * 86
    assert seen["reply"]["sent"] == two["seen"][0]["reply"]["sent"] != "" and seen["reply"]["finish_reason"] == "length"
    assert {verdict["what"]: verdict["found"] for verdict in two["verdicts"]} == {
        "tokens beside a picture": "+0",
        "two pictures": "as sent",
        "orientation": "honoured",
        "channels": "as sent",
        "palette": "read",
        "transparency": "dropped",
        "pixels": "as sent",
        "greedy": "steady",
    }


WRONG = {
    "template": ("template", "records"),
    "numbered": ("template", "records"),
    "pictures first": ("order", "probe"),  # in these records pictures stand first anyway; the probe has text between them
    "order": ("order", "records"),
    "resize": ("resize", "records"),
    "EXIF": ("EXIF", "probe"),
    "channels": ("colour", "records"),
    "palette": ("colour", "probe"),
    "transparency": ("colour", "probe"),
    "re-encoding": ("re-encoding", "records"),
    "random": ("sampler", "records"),
    "penalty": ("sampler", "records"),
    "kernels": ("numerics", "records"),
    "weights": ("unexplained", "records"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_each_fault_is_named(wrong: str, vleval: Any, prepared: Path, tiny_model: Path) -> None:
    kind, reach = WRONG[wrong]
    ran, found = compare(vleval, prepared, tiny_model, wrong)
    assert (found["first"]["kind"], found["first"]["reach"], found["first"]["backend"]) == (kind, reach, "vllm@tiny"), found["first"]
    assert ran.code == (1 if reach == "records" else 0) and found["same"] is (reach == "probe")


@pytest.mark.parametrize("wrong", ["template", "numbered", "order", "resize", "channels", "re-encoding", "random", "penalty", "kernels"])
def test_most_are_named_of_a_server_that_tells_only_a_count(wrong: str, vleval: Any, prepared: Path, tiny_model: Path) -> None:
    _, found = compare(vleval, prepared, tiny_model, wrong, tells=False)
    assert found["backends"][1]["seen"][0]["reply"]["ids"] is None
    assert found["first"]["kind"] == WRONG[wrong][0], found["first"]


def test_without_a_rendering_only_what_both_tell_is_compared(vleval: Any, prepared: Path, tiny_model: Path, tmp_path: Path) -> None:
    _, found = compare(vleval, prepared, tiny_model, "template", "--out", tmp_path / "p.html", rendering=False)
    assert "not rendered: --rendering FOLDER" in (tmp_path / "p.html").read_text()
    assert found["first"]["kind"] == "template" and "You are a helpful" in found["first"]["detail"] and found["rendered"] == {}
    _, found = compare(vleval, prepared, tiny_model, "resize", rendering=False, tells=False)
    assert found["first"]["kind"] == "unexplained" and "--rendering FOLDER" in found["first"]["detail"]


def test_a_probe_difference_fails_when_asked_to(vleval: Any, prepared: Path, tiny_model: Path) -> None:
    ran, found = compare(vleval, prepared, tiny_model, "EXIF", "--strict")
    assert ran.code == 1 and found["first"]["detail"] == "orientation: ignored, by the first backend honoured"


def test_the_model_in_this_process_is_a_backend(vleval: Any, prepared: Path, tiny_model: Path) -> None:
    ran = vleval(
        "parity", "--data", prepared / "openeqa", "--backends", f"hf@{tiny_model},hf@{tiny_model}", "--limit", "1", "--max-tokens", "4"
    )
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert "our rendering: 187 tokens, pictures 84, 84" in lines[1] or "pictures 84, 84" in lines[1]
    assert "ids as ours" in lines[3] and "1x14x24 1x14x24" in lines[3]
    assert "No divergence in 1 records." in lines[-1]


def test_a_prompt_told_by_apply_template_is_compared(vleval: Any, prepared: Path, tiny_model: Path) -> None:
    class Llama(FakeModel):
        async def reply(self, head: bytes, body: dict[str, Any]) -> bytes | str:
            if not head.startswith(b"POST /apply-template"):
                return await super().reply(head, body)
            messages, _ = self._read(body["messages"])
            return http(200, json.dumps({"prompt": self._prompter.render(messages, ask=True).replace(PLACE, "<__media__>")}))

    for wrong, kind in (("", None), ("template", "template")):
        with serve(Llama(tiny_model, tells=False)) as good, serve(Llama(tiny_model, wrong, tells=False)) as other:
            backends = f"openai={good.url},llama-server={other.url}"
            args = ("parity", "--data", prepared / "openeqa", "--model", "tiny", "--backends", backends, "--rendering", tiny_model)
            found = json.loads(vleval(*args, "--limit", "1", "--json").out)
        assert "<image><image>" in found["backends"][1]["seen"][0]["reply"]["prompt"]
        assert (found["first"] or {"kind": None})["kind"] == kind


def test_a_prompt_told_by_ollama_is_compared(vleval: Any, prepared: Path, tiny_model: Path) -> None:
    class Ollama(FakeServer):
        async def reply(self, head: bytes, body: dict[str, Any]) -> bytes | str:
            if not body.get("_debug_render_only"):
                return await super().reply(head, body)
            text = f"<|im_start|>user\n{body['messages'][0]['content']}<|im_end|>\n<|im_start|>assistant\n".replace("[img]", "[img-7]")
            return http(200, json.dumps({"model": "tiny", "done": False, "_debug_info": {"rendered_template": text, "image_count": 2}}))

    with serve(FakeModel(tiny_model)) as good, serve(Ollama()) as ollama:
        args = ("parity", "--data", prepared / "openeqa", "--model", "tiny", "--rendering", tiny_model, "--limit", "1", "--json")
        found = json.loads(vleval(*args, "--backends", f"openai={good.url},ollama={ollama.url}").out)
    reply = found["backends"][1]["seen"][0]["reply"]
    assert reply["prompt"] == found["rendered"][found["backends"][0]["seen"][0]["record"]]["prompt"]
    assert "repeat_penalty" in json.dumps([body["options"] for body in ollama.bodies])  # the neutral probe


def test_backends_are_written_as_name_model_and_address() -> None:
    one, two = parse_backends("hf@runs/merged, ollama@qwen3-vl:2b=http://127.0.0.1:1", "")
    assert (one.name, one.model, one.base_url) == ("hf", "runs/merged", "")
    assert (two.name, two.model, two.base_url, two.label) == ("ollama", "qwen3-vl:2b", "http://127.0.0.1:1", "ollama@qwen3-vl:2b")
    for text, words in (("hf@m", "needs two backends"), ("hf@m,vlm@m", "Did you mean 'vllm'"), ("hf,vllm@m", "names no model")):
        with pytest.raises(UsageError, match=words):
            parse_backends(text, "")


def test_an_adapter_goes_with_the_model_it_is_written_to() -> None:
    one, two, three = parse_backends("hf@base+runs/lora,hf,vllm@tuned", "merged", "other")
    assert (one.model, one.adapter, one.label) == ("base", "runs/lora", "hf@base+runs/lora")
    assert (two.model, two.adapter) == ("merged", "other") and three.adapter == ""


def test_a_server_that_is_not_there_is_named(vleval: Any, prepared: Path) -> None:
    ran = vleval(
        "parity", "--data", prepared / "openeqa", "--model", "m", "--backends", "openai=http://127.0.0.1:9,vllm=http://127.0.0.1:9"
    )
    assert ran.code == 1 and "no server answers" in ran.err and "Traceback" not in ran.err


def test_a_text_that_ollama_would_take_for_a_picture_is_not_asked(prepared: Path) -> None:
    ask = next(iter_asks(Dataset(prepared / "openeqa")))
    odd = msgspec.structs.replace(ask, turns=(AskTurn("user", ("What does [img] mean?",)),))
    with serve(FakeServer()) as server:
        backend = open_backend(Spec("ollama", "tiny", server.url), sampler=Sampler())
        reply = backend.ask(odd)
        assert not server.asked and "which Ollama takes for the place of a picture" in reply.error
        assert backend.ask(ask).error == ""


def test_a_server_takes_no_adapter() -> None:
    with pytest.raises(UsageError, match="the vllm backend takes no adapter"):
        open_backend(Spec("vllm", "tiny", "http://127.0.0.1:1", "runs/lora"), sampler=Sampler())


def test_a_long_reply_is_read_to_its_end(prepared: Path) -> None:
    """Token ids and log-probabilities of a long prompt come in many pieces."""
    ask = next(iter_asks(Dataset(prepared / "openeqa"), 1))
    choice = {"message": {"content": "a sofa"}, "finish_reason": "stop"}
    told = json.dumps({"model": "tiny", "choices": [choice], "prompt_text": "", "prompt_token_ids": list(range(300_000))})
    with serve(FakeServer(lambda _attempt, _body: http(200, told))) as server:
        reply = open_backend(Spec("openai", "tiny", server.url), sampler=Sampler()).ask(ask)
    assert (reply.answer, reply.error, len(reply.ids or ())) == ("a sofa", "", 300_000)


def test_the_page_is_that_of_an_xray(vleval: Any, prepared: Path, tiny_model: Path, tmp_path: Path) -> None:
    page = tmp_path / "parity.html"
    ran, _ = compare(vleval, prepared, tiny_model, "template", "--out", page)
    text = page.read_text()
    assert ran.code == 1 and text.startswith("<!doctype html>") and "X-ray of openeqa" in text
    assert "openai@tiny" in text and "vllm@tiny" in text and "<b>template</b>" in text and "as ours" in text
    assert "data:image/" in text and '<span class="vision">image 84</span>' in text and "by our rendering" in text
    ran = vleval("parity", "--data", prepared / "openeqa", "--model", "m", "--backends", "openai,vllm", "--out", tmp_path / "no" / "p.html")
    assert ran.code == 2 and "no folder for" in ran.err


@pytest.mark.parametrize(("text", "named"), [("a\u0301", True), ("\u212b", True), ("\u00e1", False)])
def test_text_in_parts_is_named_where_the_prompt_is_ours_and_costs_other_tokens(text: str, named: bool) -> None:
    """llama-server b11434 does not put characters together before it splits Qwen's text into tokens; Qwen's tokenizer does."""
    expected = Expected(prompt=f"<image>{text}", ids=(1, 2, 3), pictures=(1,), blind_tokens=2, image_pad=2, around=())
    reply = Reply(answer="x", prompt=expected.prompt, prompt_tokens=5)
    found = find_in_record("llama-server", "r", reply, expected, reply, [], 4)
    assert found is not None and found.kind == "template" and ("not in NFC" in found.detail) is named
    other = find_in_record("llama-server", "r", msgspec.structs.replace(reply, prompt="another"), expected, reply, [], 4)
    assert other is not None and "NFC" not in other.detail


@pytest.mark.parametrize("name", FAMILIES)
def test_the_place_of_a_picture_is_the_same_in_every_family_and_server(name: str) -> None:
    mark = FAMILIES[name].tiny.image
    end = mark[len(mark.rstrip("\n")) :]
    for theirs in (mark, f"<__media__>{end}", f"[img-0]{end}"):
        assert plain_places(f"a{theirs}{theirs}b") == f"a<image>{end}<image>{end}b"


def test_prompts_are_expected_only_of_families_whose_every_token_is_known(tmp_path: Path) -> None:
    known = {}
    for name, family in FAMILIES.items():
        (tmp_path / "config.json").write_text(json.dumps({"model_type": family.model_types[0]}))
        known[name] = renders_exactly(tmp_path)
    assert [name for name, exact in known.items() if exact] == ["qwen3-vl", "qwen3.5", "qwen2.5-vl", "qwen2-vl", "glm-4v", "paddleocr-vl"]
