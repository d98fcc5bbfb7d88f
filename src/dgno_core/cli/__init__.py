"""The commands `dgno` and `dgno-train`: they parse, call the core and print, nothing else.

Everything heavy is imported inside a command, so that `dgno --help` answers at once.
"""
