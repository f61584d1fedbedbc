"""add properties of eUICCs and keys of ISD-Ps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "dp_isdp_keys",
        sa.Column("eid", sa.String(length=32), nullable=False),
        sa.Column("isdp_aid", sa.LargeBinary(), nullable=False),
        sa.Column("iccid", sa.String(length=20), nullable=False),
        sa.Column("kvn", sa.Integer(), nullable=False),
        sa.Column("enc", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("dek", sa.LargeBinary(), nullable=False),
        sa.Column("option", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("eid", "isdp_aid"),
    )
    op.create_table(
        "eis_properties",
        sa.Column("eid", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("eid", "name"),
    )
    with op.batch_alter_table("dp_calls", schema=None) as batch_op:
        batch_op.add_column(sa.Column("data", sa.LargeBinary(), nullable=True))
