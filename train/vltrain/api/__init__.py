"""What a user calls: one function a command, each with a typed result. The command line is made from these functions.

Promises: a function does all that its command does, and heavy modules are loaded when it runs. May import every module of `vltrain`.
"""
