"""add administration sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "admin_keys",
        sa.Column("eid", sa.String(length=32), nullable=False),
        sa.Column("kvn", sa.Integer(), nullable=False),
        sa.Column("kid", sa.Integer(), nullable=False),
        sa.Column("psk", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("eid"),
    )
    op.create_table(
        "ota_ways",
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("job"),
    )
