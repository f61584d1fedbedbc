"""Migrations (Alembic) of the tables of all actors; :mod:`hil.provisioning.schema` runs them."""
