"""add the validity of calls of ES2."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    with op.batch_alter_table("dp_calls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("until", sa.Float(), nullable=True))
