"""Composition root: the mg command and what makes a process."""
