"""Whether the server that is installed here takes the flags of a launch line: its own help is asked, nothing is started."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

from vldata.models.serving import Server

_HELP: dict[Server, tuple[str, ...]] = {
    "vllm": ("vllm", "serve", "--help=all"),
    "lmdeploy": ("lmdeploy", "serve", "api_server", "--help"),
    "transformers": ("transformers", "serve", "--help"),
    "llama-server": ("llama-server", "--help"),
}
_FLAG = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
_TIMEOUT_S = 120


def check_flags(server: Server, line: str) -> tuple[bool | None, str]:
    """Whether every flag of the line stands in the server's help, None where nobody can tell, and a sentence."""
    words = _HELP.get(server)
    if words is None:
        return None, f"{server} takes a Modelfile, not flags: nothing was checked."
    if shutil.which(words[0]) is None:
        return None, f"{words[0]} is not installed here: no flag was checked."
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"{shlex.join(words)} does not answer ({type(error).__name__}): no flag was checked."
    known = set(_FLAG.findall(done.stdout + done.stderr))
    asked = [word for word in shlex.split(line.split(" ${VLEVAL", 1)[0])[1:] if _FLAG.fullmatch(word)]
    unknown = [word for word in asked if word not in known and word.replace("--no-", "--", 1) not in known]
    if not known:
        return None, f"{shlex.join(words)} prints no help: no flag was checked."
    if unknown:
        return False, f"The {server} that is installed here does not know {', '.join(unknown)}."
    return True, f"All {len(asked)} flags are known to the {server} that is installed here."
