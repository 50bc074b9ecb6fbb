"""Everything that survives the process: canonical rows, cursors, scores, the outbox, leases.

SQLAlchemy Core, the same statements on SQLite and PostgreSQL. Functions take an open `Connection`
and never commit: the use cases in `app` own the transactions.
"""
