"""Alembic migrations; `database.open_engine` applies them."""
