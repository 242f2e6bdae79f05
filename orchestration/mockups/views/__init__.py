"""Views of a garment: stills and turntable frames of a design on the draped cloth."""
