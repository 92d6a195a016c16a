"""What a wire is: the functions and paths by which a kind of server is asked. Modules are wires: `openai_wire`, `ollama_wire`."""

from __future__ import annotations

from typing import Protocol

from vleval.inference.ask import Ask, Sampler
from vleval.inference.pictures import PictureCache
from vleval.inference.retry import Answer, AskFault


class Wire(Protocol):
    """A module that speaks to a kind of server."""

    CHAT_PATH: str
    MODELS_PATH: str

    def normalise_base_url(self, url: str) -> str:
        """Return the address that the paths are put behind, whatever form a user wrote it in."""

    def refuse(self, ask: Ask) -> str:
        """Say why an ask cannot be put on this wire, or ""."""

    def build_body(self, ask: Ask, model: str, sampler: Sampler, pictures: PictureCache) -> bytes:
        """Encode a request."""

    def parse_reply(self, status: int, content: bytes) -> Answer | AskFault:
        """Read a reply: an answer, or a fault with the server's own words."""

    def read_models(self, content: bytes) -> dict[str, str] | None:
        """Read the list of models: each name, and what it stands for, alike for two names of one model. None: it is no such list."""
