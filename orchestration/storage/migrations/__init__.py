"""The history of the schema: what Alembic runs, in order.

Belongs here: revisions and what runs them. Does not: the schema of today, which the tables declare.
"""
