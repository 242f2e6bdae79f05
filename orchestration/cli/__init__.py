"""The `orchestration` command."""
