"""The order of the queue that teaches the matcher most: a lot for each paper, and indexes by score, doubt and lot

Revision: 0009; follows 0008.
"""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_AT_ONCE = 10_000


def upgrade() -> None:
    """Change the schema to this revision, and let each paper of the queue draw its lot."""
    with op.batch_alter_table("desk_item") as batch:
        batch.add_column(sa.Column("lot", sa.Float(), nullable=False, server_default="1"))
    bind = op.get_bind()
    papers = bind.execute(sa.text("SELECT paper_id FROM desk_item ORDER BY paper_id")).scalars().all()
    for start in range(0, len(papers), _AT_ONCE):
        bind.execute(
            sa.text("UPDATE desk_item SET lot = :lot WHERE paper_id = :paper"),
            [{"paper": paper, "lot": _lot(paper)} for paper in papers[start : start + _AT_ONCE]],
        )
    with op.batch_alter_table("desk_item") as batch:
        batch.alter_column("lot", server_default=None)
    op.create_index("ix_desk_item_score", "desk_item", ["is_shown", "score", "paper_id"])
    op.create_index("ix_desk_item_doubt", "desk_item", ["is_shown", "doubt", "paper_id"])
    op.create_index("ix_desk_item_lot", "desk_item", ["lot", "paper_id"])


def _lot(paper: int) -> float:
    """As ``biblio.verify.queue.items.lot`` on the day of this migration."""
    return int.from_bytes(hashlib.sha256(b"audit%d" % paper).digest()[:6], "big") / 2**48


def downgrade() -> None:
    """Take the change back."""
    for name in ("ix_desk_item_lot", "ix_desk_item_doubt", "ix_desk_item_score"):
        op.drop_index(name, table_name="desk_item")
    with op.batch_alter_table("desk_item") as batch:
        batch.drop_column("lot")
