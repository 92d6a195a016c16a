"""What a user calls besides scoring: one function a command that asks a model, each with a typed result.

Promises: a function does all that its command does, takes `DIR/NAME` as text or path, and returns a `JobResult`. May import every room;
heavy modules are loaded when a function runs.
"""
