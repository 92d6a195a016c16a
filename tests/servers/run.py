"""Ask real servers on 127.0.0.1, each in a venv of its own, what the `hf` backend is asked: `make servers [SERVERS=vllm,ollama]`.

A tiny model learns squares by the installed commands and is merged; the same questions, and some with two pictures, then go to every
server. The same prompts in tokens, the same words, the same score: else the run ends with 1. A server that cannot be installed on this
machine is named and left out, unless it was asked for by name.

    python -m tests.servers.run --bin .venv/bin [--work .work/servers] [--venvs .venvs] [--only NAME,...] [--port 18123]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tests.e2e.chain import ask, exact_match, prepare, read_lines, train
from tests.servers.compare import Agreement, Lines, compare
from tests.servers.exported import ask_exported
from tests.servers.process import Commands, NotHere, install, must_fail
from tests.servers.servers import OFFLINE_ENGINES, SERVERS, VLLM_OPTIONS, Place, Server

TRAINING_STEPS = 500
LEAST_SCORE = 0.9
STEPS_OF_A_RUN = (*SERVERS, *(f"{name}-offline" for name in OFFLINE_ENGINES), "vllm-batch", "gguf")
Questions = dict[str, tuple[Path, Lines]]  # dataset -> where it is, what hf answers


def main() -> int:
    """Run; 1 when a server differs."""
    args = read_arguments()
    only = [name for name in args.only.split(",") if name]
    unknown = sorted(set(only) - set(STEPS_OF_A_RUN))
    if unknown:
        sys.exit(f"no server {', '.join(unknown)}; there are: {', '.join(STEPS_OF_A_RUN)}")
    work = args.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    call = Commands(args.bin.resolve(), work / "commands.log")
    merged, questions = learn(call, work)
    place = Place(work=work, venvs=args.venvs.resolve(), model=merged, bin=args.bin.resolve(), port=args.port)
    verdicts = [judge(call, place, name, questions, asked_for=bool(only)) for name in only or STEPS_OF_A_RUN]
    return 0 if all(verdicts) else 1


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, required=True, help="bin folder of our venv, with the train extra")
    parser.add_argument("--work", type=Path, default=Path(".work/servers"))
    parser.add_argument("--venvs", type=Path, default=Path(".venvs"))
    parser.add_argument("--only", default="")
    parser.add_argument("--port", type=int, default=18_123)
    return parser.parse_args()


def learn(call: Commands, work: Path) -> tuple[Path, Questions]:
    """Make the model and the questions, and ask `hf`; a model of an earlier run is used again."""
    merged = work / "merged"
    if not (merged / "config.json").is_file():
        call.clear(work, "drawn", "prepared", "adapter", "tiny")
        data = prepare(call, work, train=128, test=24)
        call(["python", "-m", "vldata.models.tiny", str(work / "tiny"), "--embedding-std", "0.15", "--head-dim", "32"])
        train(call, work, work / "tiny", data, steps=TRAINING_STEPS)
    data = work / "prepared"
    call.clear(work, "pairs", "open-eqa", "answers")
    (work / "answers").mkdir()
    call(["python", "-m", "fixtures.openeqa", str(work / "open-eqa")])
    call(["vldata", "convert", "openeqa", str(work / "open-eqa"), "--frames", "2", "--limit", "8", "--out", str(work / "pairs")])
    with_adapter = ("--backend", "hf", "--model", str(work / "tiny"), "--adapter", str(work / "adapter"))
    adapter = ask(call, data / "squares_test", work / "answers" / "adapter.jsonl", *with_adapter)
    questions: Questions = {}
    for name, folder in (("squares", data / "squares_test"), ("pairs", work / "pairs" / "openeqa")):
        questions[name] = folder, ask(call, folder, work / "answers" / f"hf-{name}.jsonl", "--backend", "hf", "--model", str(merged))
    score = exact_match(call, work / "answers" / "hf-squares.jsonl", data / "squares_test")
    agreement = compare(adapter, questions["squares"][1])
    print(f"hf: adapter and merged: {agreement}; exact match {score:.2f} on squares it has not seen", flush=True)
    if not agreement.whole or score < LEAST_SCORE:
        sys.exit("the model itself is not good enough to compare with")
    return merged, questions


def judge(call: Commands, place: Place, name: str, questions: Questions, *, asked_for: bool) -> bool:
    """Ask one server and print its verdict; False when something is wrong."""
    try:
        if name == "gguf":
            words = ask_exported(call, place)
        else:
            way = ask_server if name in SERVERS else ask_batch if name == "vllm-batch" else ask_offline
            words = way(call, place, name, questions)
    except NotHere as reason:
        print(f"{name}: NOT HERE: {reason}", flush=True)
        return not asked_for
    except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
        print(f"{name}: WRONG: {error}", flush=True)
        return False
    print(f"{name}: good: {words}", flush=True)
    return True


def ask_server(call: Commands, place: Place, name: str, questions: Questions) -> str:
    """Start it, look at it, ask it, hold it against `hf`, measure it, end it; returns the verdict's words."""
    server: Server = SERVERS[name]
    install(server.setup, place.venvs / server.venv, place.work / f"{name}.log")
    said = []
    with server.start(place) as url:
        at = ("--backend", server.backend, "--base-url", url, "--model", server.model(place))
        for label, (data, ours) in questions.items():
            look(call, ["vleval", "ping", "--data", str(data), *at, "--strict"], server)
            agreement = compare(ours, ask(call, data, place.work / "answers" / f"{name}-{label}.jsonl", *at))
            if agreement.errors or (server.same_pixels and not agreement.whole):
                raise AssertionError(f"{label}: {agreement}")
            hold_against_hf(call, place, server, url, data)
            said.append(f"{label}: {agreement}")
        data = questions["squares"][0]
        measure(
            call, ["vleval", "bench", "--data", str(data), *at, "--concurrency", "1,2", "--requests", "6", "--max-tokens", "8", "--json"]
        )
    said.append(finish(call, place, name, data))
    return "; ".join(said)


def look(call: Commands, ping: list[str], server: Server) -> None:
    """Look at a server first: one that shows other pixels, and a model that it does not have, must be found out."""
    if server.same_pixels:
        call(ping)
    else:
        must_fail(call, ping, "it resizes them")
    # transformers serve lists no models, and says of a name it cannot find that the request is bad
    must_fail(call, [*ping, "--model", "nope"], "HTTP 4" if server.backend == "transformers" else "does not list 'nope'")


def hold_against_hf(call: Commands, place: Place, server: Server, url: str, data: Path) -> None:
    """`vleval parity` of two records: no divergence where the pixels are the same, and the one that is there named where they are not."""
    backends = f"hf@{place.model},{server.backend}@{server.model(place)}={url}"
    compare_both = ["vleval", "parity", "--data", str(data), "--backends", backends, "--limit", "2", "--max-tokens", "8"]
    if server.same_pixels:
        call(compare_both)
    else:
        must_fail(call, compare_both, "first divergence: resize")


def measure(call: Commands, bench: list[str]) -> None:
    """Stream answers through `vleval bench`: every request must be answered, and its first token seen before its end."""
    for level in json.loads(call(bench))["levels"]:
        if level["errors"] or not 0 < level["ttft_ms"]["p50"] <= level["total_ms"]["p50"] or not level["tokens_per_s"] > 0:
            raise AssertionError(f"bench: {level}")


def ask_offline(call: Commands, place: Place, name: str, questions: Questions) -> str:
    """Ask an engine in the process of `vleval`, which runs in that engine's venv."""
    backend = name.removesuffix("-offline")
    server = SERVERS[backend]
    install(server.setup, place.venvs / server.venv, place.work / f"{name}.log")
    said = []
    for label, (data, ours) in questions.items():
        out = place.work / "answers" / f"{name}-{label}.jsonl"
        arguments = [*OFFLINE_ENGINES[backend](place), "predict", "--data", str(data), "--out", str(out), "--max-tokens", "8"]
        environment = {**server.environment, "PYTHONPATH": str(Path.cwd())}
        program = place.venvs / server.venv / "bin" / "python"
        call.python(program, [*arguments, "--backend", backend, "--model", str(place.model)], environment)
        said.append(f"{label}: {require_whole(label, ours, out)}")
    said.append(finish(call, place, name, questions["squares"][0]))
    return "; ".join(said)


def ask_batch(call: Commands, place: Place, name: str, questions: Questions) -> str:
    """Write the questions as a batch file, let `vllm run-batch` answer it, read the answers back."""
    server = SERVERS["vllm"]
    install(server.setup, place.venvs / server.venv, place.work / f"{name}.log")
    said = []
    for label, (data, ours) in questions.items():
        requests, replies = (place.work / "answers" / f"{name}-{label}.{kind}.jsonl" for kind in ("requests", "replies"))
        out = place.work / "answers" / f"{name}-{label}.jsonl"
        ask = ["vleval", "predict", "--data", str(data), "--model", str(place.model), "--max-tokens", "8"]
        call([*ask, "--format", "batch", "--out", str(requests)])
        arguments = ["run-batch", "-i", str(requests), "-o", str(replies), "--model", str(place.model), *VLLM_OPTIONS]
        call.python(place.venvs / server.venv / "bin" / "vllm", arguments, server.environment)
        call([*ask, "--from-batch", str(replies), "--out", str(out)])
        said.append(f"{label}: {require_whole(label, ours, out)}")
    said.append(finish(call, place, name, questions["squares"][0]))
    return "; ".join(said)


def require_whole(label: str, ours: Lines, out: Path) -> Agreement:
    """Every answer is there, from the same prompt in the same words."""
    agreement = compare(ours, read_lines(out))
    if not agreement.whole:
        raise AssertionError(f"{label}: {agreement}")
    return agreement


def finish(call: Commands, place: Place, name: str, data: Path) -> str:
    """Score, compare with the adapter's answers, report."""
    answers, adapter = place.work / "answers" / f"{name}-squares.jsonl", place.work / "answers" / "adapter.jsonl"
    score = exact_match(call, answers, data)
    call(["vleval", "compare", str(adapter), str(answers), "--data", str(data), "--metric", "exact_match"])
    report = place.work / "answers" / f"{name}.html"
    call(["vleval", "report", str(adapter), str(answers), "--data", str(data), "--metric", "exact_match", "--out", str(report)])
    if not report.read_text().startswith("<!doctype html"):
        raise AssertionError(f"{report} is not a page")
    return f"exact match {score:.2f}"


if __name__ == "__main__":
    sys.exit(main())
