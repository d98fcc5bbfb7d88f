"""Runs on disk: their folders, logs and processes, and what is decided before one begins.

A run is a folder. Everything that is known of it lies there, so a command, a window and a script
see the same run, whoever has started it. Nothing here needs torch to be imported.
"""
