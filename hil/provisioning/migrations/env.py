"""Run by Alembic, within the transaction of :mod:`hil.provisioning.schema`."""

from __future__ import annotations

from alembic import context

from hil.provisioning.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
