"""Anybody's dataset judged where it lies: what each trainer will do with each row, by that trainer's own rules."""

from __future__ import annotations

from vldata.linting.consumer import Consumer
from vldata.linting.llamafactory import CONSUMER as LLAMAFACTORY
from vldata.linting.swift import CONSUMER as SWIFT
from vldata.linting.trl import CONSUMER as TRL

# Name as on the command line -> the consumer. A new one is a module and a line here.
CONSUMERS: dict[str, Consumer] = {
    "llamafactory": LLAMAFACTORY,
    "swift": SWIFT,
    "trl": TRL,
}
