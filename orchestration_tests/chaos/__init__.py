"""Faults on purpose: kills at named points, and other trouble, under real work of every domain."""
