"""The history of the schema: what Alembic runs, in order.

Revisions and what runs them. Keep out: the schema of today, which the tables declare.
"""
