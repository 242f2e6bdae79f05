"""The definitions that Dagster loads. Importing this touches nothing and loads no heavy library."""

from __future__ import annotations

from orchestration.imports import lasting

with lasting():
    from orchestration.assembly import build_definitions
    from orchestration.settings import load_settings

    defs = build_definitions(load_settings())
