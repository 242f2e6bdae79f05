"""Fuzzing of what reads bytes and words of strangers: the targets, what drives them, and the cases that were found."""
