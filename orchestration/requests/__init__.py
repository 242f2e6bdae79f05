"""Work that people and programs ask for: rows that Dagster picks up."""
