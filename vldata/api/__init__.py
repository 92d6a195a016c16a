"""What a user calls: one function a command, each with a typed result. The command line is made from these functions.

Promises: a function does all that its command does, takes `DIR/NAME` as text or path, and returns a `JobResult`. May import every room;
heavy modules are loaded when a function runs.
"""
