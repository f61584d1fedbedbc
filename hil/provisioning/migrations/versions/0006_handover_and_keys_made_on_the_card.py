"""handover and keys made on the card."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "dp_calls",
        sa.Column("call", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("mno", sa.String(length=200), nullable=False),
        sa.Column("sm_sr", sa.String(length=200), nullable=False),
        sa.Column("eid", sa.String(length=32), nullable=False),
        sa.Column("iccid", sa.String(length=20), nullable=False),
        sa.Column("enable", sa.Boolean(), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("step", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call"),
    )
    with op.batch_alter_table("dp_calls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dp_calls_eid"), ["eid"], unique=False)
        batch_op.create_index(batch_op.f("ix_dp_calls_mno"), ["mno"], unique=False)
        batch_op.create_index(batch_op.f("ix_dp_calls_state"), ["state"], unique=False)

    op.create_table(
        "sr_card_notifications",
        sa.Column("eid", sa.String(length=32), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("isdp_aid", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("eid"),
    )
    with op.batch_alter_table("sr_card_notifications", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sr_card_notifications_state"), ["state"], unique=False)

    op.create_table(
        "sr_handovers",
        sa.Column("eid", sa.String(length=32), nullable=False),
        sa.Column("direction", sa.String(length=4), nullable=False),
        sa.Column("other", sa.String(length=200), nullable=False),
        sa.Column("mno", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("kvn", sa.Integer(), nullable=True),
        sa.Column("request", sa.LargeBinary(), nullable=True),
        sa.Column("ephemeral", sa.LargeBinary(), nullable=True),
        sa.Column("begun_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("eid", "direction"),
    )
    with op.batch_alter_table("sr_handovers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sr_handovers_state"), ["state"], unique=False)
