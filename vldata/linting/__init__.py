"""Anybody's dataset judged where it is: what each trainer will do with each row, by that trainer's own rules."""

from __future__ import annotations

from vldata.linting import axolotl, internvl, llamafactory, llava, qwen, swift, trl, unsloth
from vldata.linting.consumer import Consumer

# Name as on the command line -> the consumer. A new one is a module and a line here.
CONSUMERS: dict[str, Consumer] = {
    "llamafactory": llamafactory.CONSUMER,
    "swift": swift.CONSUMER,
    "trl": trl.CONSUMER,
    "qwen": qwen.CONSUMER,
    "llava": llava.CONSUMER,
    "internvl": internvl.CONSUMER,
    "axolotl": axolotl.CONSUMER,
    "unsloth": unsloth.CONSUMER,
}
