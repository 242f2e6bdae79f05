"""From one order line to printable files: text, outlines, solids, proofs. No database and no queue."""
