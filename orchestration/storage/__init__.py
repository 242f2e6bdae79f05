"""The database engine, its migrations, the object store and the embedded PostgreSQL server."""
