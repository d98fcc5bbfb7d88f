"""Batteries of faults for the real commands; see ../reliability.py."""
