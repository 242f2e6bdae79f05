"""Garments as data: flat pattern, print zones and sizes in millimetres, and the mesh of the draped cloth."""
