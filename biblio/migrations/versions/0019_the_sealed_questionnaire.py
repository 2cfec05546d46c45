"""Strata, comments apart from choices, waves, earlier campaigns' totals, opt-outs under a key of their own, bounces

Revision: 0019; follows 0018.

Answers of closed campaigns are taken over shuffled once more; their comments go into a table of their own, shuffled
apart from them. A frozen questionnaire becomes a list of questions with the words it had.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
import sqlmodel
from alembic import op

import biblio.store.types

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

STATUS, COMMENT = "status", "comment"
"""The keys of the two questions that every questionnaire had."""

_CHOICE_MAX, _COMMENT_MAX = 300, 3000


def upgrade() -> None:
    """Change the schema to this revision."""
    _answers_in_two_tables()
    _campaigns()
    _invitations()
    _opt_outs()
    _new_tables()


def _text(length: int | None = None) -> Any:
    return sqlmodel.sql.sqltypes.AutoString(length=length) if length else sqlmodel.sql.sqltypes.AutoString()


def _moment() -> Any:
    return biblio.store.types.UTCDateTime(timezone=True)


def _json() -> Any:
    return sa.JSON(none_as_null=True)


def _answers_in_two_tables() -> None:
    connection = op.get_bind()
    old = [
        row._asdict()
        for row in connection.execute(sa.text("SELECT id, campaign_id, reason, detail, comment FROM answer"))
    ]
    op.drop_table("answer")
    answer = op.create_table(
        "answer",
        sa.Column("id", _text(32), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("stratum", _text(2000), nullable=True),
        sa.Column("question", _text(40), nullable=False),
        sa.Column("choice", sa.Integer(), nullable=False),
        sa.Column("word", _text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_answer_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sqlite_with_rowid=False,
    )
    comment = op.create_table(
        "comment",
        sa.Column("id", _text(32), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("question", _text(40), nullable=False),
        sa.Column("words", _text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_comment_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
        sqlite_with_rowid=False,
    )
    for table in ("answer", "comment"):
        with op.batch_alter_table(table) as batch:
            batch.create_index(op.f(f"ix_{table}_campaign_id"), ["campaign_id"], unique=False)
    dice = secrets.SystemRandom()
    choices = [
        {
            "id": secrets.token_hex(16),
            "campaign_id": row["campaign_id"],
            "stratum": None,
            "question": STATUS,
            "choice": row["reason"],
            "word": row["detail"],
        }
        for row in old
    ]
    words = [
        {
            "id": secrets.token_hex(16),
            "campaign_id": row["campaign_id"],
            "question": COMMENT,
            "words": row["comment"],
        }
        for row in old
        if row["comment"]
    ]
    for new, rows in ((answer, choices), (comment, words)):
        dice.shuffle(rows)
        if rows:
            op.bulk_insert(new, rows)


def _campaigns() -> None:
    with op.batch_alter_table("campaign") as batch:
        batch.add_column(sa.Column("stratify_by", _text(16), nullable=True))
        batch.add_column(sa.Column("minimum_persons", sa.Integer(), nullable=False, server_default="5"))
        batch.add_column(sa.Column("wave_persons", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("is_released", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("counts", _json(), nullable=True))
        batch.add_column(sa.Column("past", _json(), nullable=True))
        batch.add_column(sa.Column("purged_at", _moment(), nullable=True))
    connection = op.get_bind()
    connection.execute(sa.text("UPDATE campaign SET is_released = (released_at IS NOT NULL)"))
    rows = connection.execute(
        sa.text("SELECT id, questionnaire, persons_asked_before, released_at FROM campaign")
    ).all()
    campaign = sa.table(
        "campaign",
        sa.column("id", sa.Integer()),
        sa.column("questionnaire", _json()),
        sa.column("past", _json()),
        sa.column("counts", _json()),
    )
    for number, plain, asked, released_at in rows:
        questionnaire = json.loads(plain) if isinstance(plain, str) else plain
        values: dict[str, Any] = {"questionnaire": _as_questions(questionnaire)}
        if asked is not None:
            values["past"] = {"persons_asked": asked}
        elif released_at is not None:
            values["counts"] = _counts(connection, number)
        connection.execute(sa.update(campaign).where(campaign.c.id == number).values(**values))
    with op.batch_alter_table("campaign") as batch:
        batch.drop_column("persons_asked_before")
        batch.alter_column("minimum_persons", server_default=None)
        batch.alter_column("wave_persons", server_default=None)
        batch.alter_column("is_released", server_default=None)


def _as_questions(old: Mapping[str, Any]) -> dict[str, Any]:
    """Return a questionnaire of one status and one comment as a list of questions."""
    if "questions" in old:
        return dict(old)
    status = {
        "key": STATUS,
        "kind": "one",
        "required": True,
        "text": old["status"]["text"],
        "hint": old["status"].get("hint") or "",
        "choices": [{**each, "detail_max": _CHOICE_MAX} for each in old["reasons"]],
    }
    comment = {
        "key": COMMENT,
        "kind": "text",
        "required": False,
        "text": old["comment"]["text"],
        "hint": old["comment"].get("hint") or "",
        "max": _COMMENT_MAX,
    }
    kept = {key: value for key, value in old.items() if key not in ("status", "comment", "reasons")}
    return {**kept, "questions": [status, comment]}


def _counts(connection: sa.Connection, number: int) -> dict[str, int]:
    row = connection.execute(
        sa.text(
            "SELECT count(*), count(DISTINCT lower(email)), coalesce(sum(CASE WHEN is_used THEN 1 ELSE 0 END), 0), "
            "count(DISTINCT CASE WHEN is_used THEN lower(email) END) "
            "FROM invitation WHERE campaign_id = :number AND withdrawn_at IS NULL"
        ),
        {"number": number},
    ).one()
    return {
        "projects": int(row[0]),
        "persons": int(row[1]),
        "bounced": 0,
        "completed": int(row[2]),
        "persons_answered": int(row[3]),
    }


def _invitations() -> None:
    with op.batch_alter_table("invitation") as batch:
        batch.add_column(sa.Column("nonce", _text(32), nullable=False, server_default=""))
        batch.add_column(sa.Column("stratum", _text(120), nullable=True))
        batch.add_column(sa.Column("is_released", sa.Boolean(), nullable=False, server_default=sa.false()))
    connection = op.get_bind()
    for (number,) in connection.execute(sa.text("SELECT id FROM invitation")).all():
        connection.execute(
            sa.text("UPDATE invitation SET nonce = :nonce WHERE id = :number"),
            {"nonce": secrets.token_hex(16), "number": number},
        )
    connection.execute(
        sa.text(
            "UPDATE invitation SET is_released = is_used WHERE campaign_id IN "
            "(SELECT id FROM campaign WHERE released_at IS NOT NULL)"
        )
    )
    with op.batch_alter_table("invitation") as batch:
        batch.alter_column("nonce", server_default=None)
        batch.alter_column("is_released", server_default=None)


def _opt_outs() -> None:
    """Opt-outs so far are keyed with the server's secret: an empty ``key_id`` says so."""
    with op.batch_alter_table("opt_out") as batch:
        batch.add_column(sa.Column("key_id", _text(16), nullable=False, server_default=""))
    with op.batch_alter_table("opt_out") as batch:
        batch.alter_column("key_id", server_default=None)


def _new_tables() -> None:
    op.create_table(
        "campaign_stratum",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("name", _text(120), nullable=False),
        sa.Column("reported_as", _text(2000), nullable=True),
        sa.Column("counts", _json(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_stratum_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_stratum")),
        sa.UniqueConstraint("campaign_id", "name", name=op.f("uq_campaign_stratum_campaign_id_name")),
    )
    op.create_table(
        "past_total",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("question", _text(40), nullable=False),
        sa.Column("choice", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_past_total_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_past_total")),
        sa.UniqueConstraint("campaign_id", "question", "choice", name=op.f("uq_past_total_campaign_id_question_choice")),
    )
    op.create_table(
        "comment_tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comment_id", _text(32), nullable=False),
        sa.Column("tag", _text(40), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", _moment(), nullable=False),
        sa.Column("ended_at", _moment(), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_comment_tag_comment_id_comment")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["user_account.id"], name=op.f("fk_comment_tag_ended_by_id_user_account")),
        sa.ForeignKeyConstraint(["made_by_id"], ["user_account.id"], name=op.f("fk_comment_tag_made_by_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment_tag")),
    )
    op.create_table(
        "asking_again",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("reason", _text(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("made_at", _moment(), nullable=False),
        sa.Column("ended_at", _moment(), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["actor_id"], ["user_account.id"], name=op.f("fk_asking_again_actor_id_user_account")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["user_account.id"], name=op.f("fk_asking_again_ended_by_id_user_account")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_asking_again_project_id_project")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asking_again")),
    )
    op.create_table(
        "mail_bounce",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", _text(64), nullable=False),
        sa.Column("outbox_mail_id", sa.Integer(), nullable=False),
        sa.Column("address_hash", _text(64), nullable=False),
        sa.Column("key_id", _text(16), nullable=False),
        sa.Column("is_hard", sa.Boolean(), nullable=False),
        sa.Column("status", _text(16), nullable=False),
        sa.Column("words", _text(500), nullable=False),
        sa.Column("told_at", _moment(), nullable=False),
        sa.Column("learned_at", _moment(), nullable=False),
        sa.Column("outcome", _text(8), nullable=True),
        sa.Column("handled_at", _moment(), nullable=True),
        sa.Column("handled_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["handled_by_id"], ["user_account.id"], name=op.f("fk_mail_bounce_handled_by_id_user_account")),
        sa.ForeignKeyConstraint(["outbox_mail_id"], ["outbox_mail.id"], name=op.f("fk_mail_bounce_outbox_mail_id_outbox_mail")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_bounce")),
        sa.UniqueConstraint("digest", name=op.f("uq_mail_bounce_digest")),
    )
    for table, columns in (
        ("campaign_stratum", ["campaign_id"]),
        ("past_total", ["campaign_id"]),
        ("comment_tag", ["comment_id"]),
        ("asking_again", ["project_id"]),
        ("mail_bounce", ["outbox_mail_id", "address_hash"]),
    ):
        for column in columns:
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)
    op.create_index(
        "uq_comment_tag_live",
        "comment_tag",
        ["comment_id", "tag"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_asking_again_live",
        "asking_again",
        ["project_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    """Take the change back.

    The old schema holds a comment beside a choice. Which belong together is not known any more, and must not be:
    comments are put beside choices at random. Answers to questions that the old schema does not know are lost.
    """
    for table in ("mail_bounce", "asking_again", "comment_tag", "past_total", "campaign_stratum"):
        op.drop_table(table)
    with op.batch_alter_table("opt_out") as batch:
        batch.drop_column("key_id")
    with op.batch_alter_table("invitation") as batch:
        for column in ("nonce", "stratum", "is_released"):
            batch.drop_column(column)
    _old_campaigns()
    _one_table_again()


def _old_campaigns() -> None:
    with op.batch_alter_table("campaign") as batch:
        batch.add_column(sa.Column("persons_asked_before", sa.Integer(), nullable=True))
    connection = op.get_bind()
    campaign = sa.table("campaign", *(sa.column(name) for name in ("id", "questionnaire", "past", "persons_asked_before")))
    campaign.c.questionnaire.type = campaign.c.past.type = _json()
    for number, plain, past in connection.execute(
        sa.select(campaign.c.id, campaign.c.questionnaire, campaign.c.past)
    ).all():
        connection.execute(
            sa.update(campaign)
            .where(campaign.c.id == number)
            .values(questionnaire=_as_reasons(plain), persons_asked_before=(past or {}).get("persons_asked"))
        )
    with op.batch_alter_table("campaign") as batch:
        for column in ("stratify_by", "minimum_persons", "wave_persons", "is_released", "counts", "past", "purged_at"):
            batch.drop_column(column)


def _as_reasons(new: Mapping[str, Any]) -> dict[str, Any]:
    """Return a list of questions as one status and one comment; what the old shape has no place for is left out."""
    questions = new.get("questions")
    if questions is None:
        return dict(new)
    status = next((q for q in questions if q["kind"] == "one"), {"text": "", "choices": []})
    comment = next((q for q in questions if q["kind"] == "text"), {"text": ""})
    reasons = [{key: value for key, value in each.items() if key != "detail_max"} for each in status["choices"]]
    kept = {key: value for key, value in new.items() if key != "questions"}
    return {
        **kept,
        "status": {"text": status["text"], "hint": status.get("hint", "")},
        "comment": {"text": comment["text"], "hint": comment.get("hint", "")},
        "reasons": reasons,
    }


def _one_table_again() -> None:
    connection = op.get_bind()
    choices = connection.execute(
        sa.text("SELECT campaign_id, choice, word FROM answer WHERE question = :key"), {"key": STATUS}
    ).all()
    words = connection.execute(sa.text("SELECT campaign_id, words FROM comment WHERE question = :key"), {"key": COMMENT})
    comments: dict[int, list[str]] = {}
    for campaign, each in words:
        comments.setdefault(campaign, []).append(each)
    op.drop_table("comment")
    op.drop_table("answer")
    answer = op.create_table(
        "answer",
        sa.Column("id", _text(32), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Integer(), nullable=False),
        sa.Column("detail", _text(), nullable=False),
        sa.Column("comment", _text(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_answer_campaign_id_campaign")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_answer_campaign_id"), "answer", ["campaign_id"], unique=False)
    rows = list(choices)
    secrets.SystemRandom().shuffle(rows)
    old = []
    for campaign, choice, word in rows:
        left = comments.get(campaign) or [""]
        old.append(
            {
                "id": secrets.token_hex(16),
                "campaign_id": campaign,
                "reason": choice,
                "detail": word,
                "comment": left.pop(),
            }
        )
    if old:
        op.bulk_insert(answer, old)
