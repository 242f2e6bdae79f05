"""The design on the flat garment: what the ink does, the picture of the composite, and the print file."""
