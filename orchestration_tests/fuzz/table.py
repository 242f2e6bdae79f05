"""All fuzz targets by their names."""

from __future__ import annotations

from orchestration_tests.fuzz.targets import api, canvas, catalogue, documents, media, prints, words

MODULES = (api, catalogue, prints, media, canvas, words, documents)
TARGETS = {target.name: target for module in MODULES for target in module.TARGETS}
