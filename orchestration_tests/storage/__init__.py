"""Tests of the database, its migrations, bulk writes, object stores and table files."""
