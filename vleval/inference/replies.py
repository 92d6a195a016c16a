"""From the bytes of a reply to an answer or a fault, whatever the wire, with no secret of ours in it.

A server may echo the key it was asked with, in an error or in an answer. Of a fault the key is taken out; an answer with a key in it is no
answer but a fault, since what is scored is never changed in silence.
"""

from __future__ import annotations

import msgspec

from vldata.secrets import holds_secret, redact
from vleval.inference.retry import Answer, AskFault
from vleval.inference.wire import Wire


def read_answer(wire: Wire, status: int, content: bytes) -> Answer | AskFault:
    """Read a whole reply."""
    result = wire.parse_reply(status, content)
    if isinstance(result, AskFault):
        return msgspec.structs.replace(result, reason=redact(result.reason))
    if holds_secret(result.text):
        return AskFault(fate="give_up", reason="the answer holds the key that the server was asked with; it is not kept")
    return msgspec.structs.replace(
        result, model=redact(result.model), fingerprint=redact(result.fingerprint), finish_reason=redact(result.finish_reason)
    )
