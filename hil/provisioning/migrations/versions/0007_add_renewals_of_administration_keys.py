"""add renewals of administration keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "sr_admin_key_renewals",
        sa.Column("eid", sa.String(length=32), nullable=False),
        sa.Column("kvn", sa.Integer(), nullable=False),
        sa.Column("kid", sa.Integer(), nullable=False),
        sa.Column("psk", sa.LargeBinary(), nullable=False),
        sa.Column("dek", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("eid"),
    )
    with op.batch_alter_table("sr_admin_key_renewals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sr_admin_key_renewals_state"), ["state"], unique=False)
