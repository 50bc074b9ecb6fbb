"""The tables. Entity tables are made from the canonical model, so the two cannot differ.

Times are whole seconds since 1970 UTC, points whole thousandths, JSON is stored as text.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import TEXT

from leadline.core.entities import FIELDS, Entity, Field, Kind

metadata = MetaData()

# Text that is ordered by its bytes, as Python orders it: processes that lock rows in one order never wait in a ring.
_ORDERED = Text().with_variant(TEXT(collation="C"), "postgresql")

_TYPES = {
    Kind.TEXT: Text,
    Kind.INTEGER: BigInteger,
    Kind.BOOLEAN: Boolean,
    Kind.TIME: BigInteger,
    Kind.ENUM: Text,
    Kind.LIST: Text,
    Kind.LINK: Text,
}


def _column(field: Field) -> Column[object]:
    return Column(field.name, _TYPES[field.kind], nullable=True)


def _entity_table(name: str, entity: Entity) -> Table:
    return Table(
        name,
        metadata,
        Column("uid", _ORDERED, primary_key=True),
        Column("connection", Text, nullable=False),
        Column("object", Text, nullable=False),
        Column("source_id", Text, nullable=False),
        Column("modified_at", BigInteger, nullable=False),
        Column("read_at", BigInteger, nullable=False),
        Column("deleted", Boolean, nullable=False),
        Column("merged_into", Text),
        *(_column(field) for field in FIELDS[entity]),
        # What the CRM holds in the fields that Leadline writes: canonical output name -> value.
        Column("crm", Text, nullable=False),
        # When the read came that brought what scoring looks at; empty in rows of before there was this column.
        Column("known_since", BigInteger),
        # Hash of what scoring and deciding look at; a change of it is news.
        Column("digest", Text, nullable=False),
        # Hash of the whole row; a change of it is stored.
        Column("row_digest", Text, nullable=False),
    )


accounts = _entity_table("accounts", Entity.ACCOUNT)
people = _entity_table("people", Entity.PERSON)
activities = _entity_table("activities", Entity.ACTIVITY)
opportunities = _entity_table("opportunities", Entity.OPPORTUNITY)
owners = _entity_table("owners", Entity.OWNER)

ENTITY_TABLES: dict[Entity, Table] = {
    Entity.ACCOUNT: accounts,
    Entity.PERSON: people,
    Entity.ACTIVITY: activities,
    Entity.OPPORTUNITY: opportunities,
    Entity.OWNER: owners,
}

Index("people_account", people.c.account)
# Most people stand behind no contact. Counted with them, the index looks useless, and everybody is looked at instead.
_BEHIND = people.c.contact.is_not(None)
Index("people_contact", people.c.contact, sqlite_where=_BEHIND, postgresql_where=_BEHIND)
Index("activities_person", activities.c.person)
Index("activities_account", activities.c.account)
Index("opportunities_account", opportunities.c.account)
Index("opportunities_person", opportunities.c.person)

cursors = Table(
    "cursors",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("position", Text, nullable=False),
    # Hash of the fields asked for: a mapping that asks for more starts the object again.
    Column("request_digest", Text, nullable=False),
    # True once the object has been read to its end at least once.
    Column("complete", Boolean, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

mapping_checks = Table(
    "mapping_checks",
    metadata,
    Column("connection", Text, primary_key=True),
    # Hash of the mapping that fits the CRM, and of where that CRM is.
    Column("digest", Text, nullable=False),
    Column("checked_at", BigInteger, nullable=False),
)

dirty = Table(
    "dirty",
    metadata,
    Column("uid", _ORDERED, primary_key=True),
    # Rises with every mark, so that clearing what was scored never clears a later change.
    Column("mark", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    # What the mark is about, see `store/concerns.py`: DRIFTED, CHANGED or MOVED.
    Column("depth", Integer, nullable=False),
)

unmapped = Table(
    "unmapped",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("seen", BigInteger, nullable=False),
)

scores = Table(
    "scores",
    metadata,
    Column("uid", _ORDERED, primary_key=True),
    Column("entity", Text, nullable=False),
    # The account, or the person alone, that this record is scored together with.
    Column("cluster", _ORDERED, nullable=False),
    Column("score", BigInteger, nullable=False),
    Column("fit", BigInteger, nullable=False),
    Column("fit_max", BigInteger, nullable=False),
    Column("persona", BigInteger, nullable=False),
    Column("intent", BigInteger, nullable=False),
    Column("negative", BigInteger, nullable=False),
    Column("disqualified", Boolean, nullable=False),
    Column("disqualify_reasons", Text, nullable=False),
    # Share of the asked-for facts that are known, in percent, and those that are not, joined by `;`.
    Column("completeness", BigInteger, nullable=False),
    Column("missing_fields", Text, nullable=False),
    Column("group", Text, nullable=False),
    Column("group_since", BigInteger, nullable=False),
    # How many times the group has changed, the first group included.
    Column("crossing", Integer, nullable=False),
    Column("model", _ORDERED, nullable=False),
    Column("scored_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    # The number of the last values planned for the CRM (see `pushes`), their score, and when they were planned.
    Column("push_no", Integer, nullable=False),
    Column("pushed_score", BigInteger),
    Column("pushed_at", BigInteger),
    # Which segment of the model it was scored by; names of flags, joined by `;`; where the score could lie.
    Column("segment", Text),
    Column("readiness", BigInteger),
    Column("flags", Text),
    Column("score_min", BigInteger),
    Column("score_max", BigInteger),
    # When age alone changes the group, and into which; null when it never does.
    Column("next_change_at", BigInteger),
    Column("next_group", Text),
    # Which of the breakdowns holds its ledger, and a hash of what the columns of scoring hold, to tell a change by.
    Column("breakdown", BigInteger),
    Column("shown", BigInteger),
)
Index("scores_due", scores.c.due_at)
Index("scores_cluster", scores.c.cluster)
Index("scores_model", scores.c.model)

# Beside the scores, whose rows are rewritten whenever everybody is scored.
pushes = Table(
    "pushes",
    metadata,
    Column("uid", _ORDERED, primary_key=True),
    # The last values planned for the CRM.
    Column("pushed", Text, nullable=False),
)

breakdowns = Table(
    "breakdowns",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    # The ledgers of the records that were scored together, as a compressed Arrow file.
    Column("content", LargeBinary, nullable=False),
)

# Beside the contents: a row is rewritten as a whole, and theirs have megabytes.
breakdown_uses = Table(
    "breakdown_uses",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    # How many scores refer to it; nobody needs it once there are none.
    Column("records", BigInteger, nullable=False),
)

dossiers = Table(
    "dossiers",
    metadata,
    # The account, or the person alone, that the record is scored together with.
    Column("cluster", _ORDERED, primary_key=True),
    Column("uid", _ORDERED, primary_key=True),
    Column("entity", Text, nullable=False),
    # Which facts a line holds, and in what order: lines of another layout are not read.
    Column("layout", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("events", Text, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    # What scoring looked at in a row before the read at `replaced_at` changed it. Until then, from `known_since` on.
    Column("uid", _ORDERED, primary_key=True),
    Column("replaced_at", BigInteger, primary_key=True),
    Column("entity", Text, nullable=False),
    Column("known_since", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    # The links by which rows of a cluster are found: a person's contact is its `person`.
    Column("account", Text),
    Column("person", Text),
    # The scored fields, as their columns hold them.
    Column("content", Text, nullable=False),
)
Index("versions_account", versions.c.account)
Index("versions_person", versions.c.person)
Index("versions_replaced", versions.c.replaced_at)

score_history = Table(
    "score_history",
    metadata,
    # What stood in `scores` before the scoring at `replaced_at` changed score, a part, group or segment.
    Column("uid", _ORDERED, primary_key=True),
    Column("replaced_at", BigInteger, primary_key=True),
    # When it was last confirmed.
    Column("scored_at", BigInteger, nullable=False),
    Column("score", BigInteger, nullable=False),
    # Thousandths by part.
    Column("parts", Text, nullable=False),
    Column("group", Text, nullable=False),
    Column("group_since", BigInteger, nullable=False),
    Column("crossing", Integer, nullable=False),
    Column("segment", Text),
    Column("model", Text, nullable=False),
)
Index("score_history_replaced", score_history.c.replaced_at)

models = Table(
    "models",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # The text of the model file.
    Column("content", Text, nullable=False),
    Column("first_used_at", BigInteger, nullable=False),
)

model_uses = Table(
    "model_uses",
    metadata,
    # From then on until the next row, this model scored.
    Column("since", BigInteger, primary_key=True),
    Column("digest", Text, nullable=False),
)

effects = Table(
    "effects",
    metadata,
    Column("key", Text, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    # The subject whose decision caused it.
    Column("subject", Text, nullable=False),
    Column("payload", Text, nullable=False),
    # Canonical columns to set on our copy once it is written, so that our own write is not news.
    Column("echo", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sequence_no", BigInteger, nullable=False),
    Column("epoch", BigInteger),
    Column("attempts", Integer, nullable=False),
    Column("reason_code", Text),
    Column("reason", Text),
    Column("actor", Text),
    Column("fix", Text),
    Column("result_id", Text),
    Column("planned_at", BigInteger, nullable=False),
    # Wall clock of the call, not the run's `--now`: it measures the call's hard deadline.
    Column("sent_at", BigInteger),
    Column("finished_at", BigInteger),
)
Index("effects_state", effects.c.connection, effects.c.state, effects.c.kind, effects.c.sequence_no)
Index("effects_sequence", effects.c.sequence_no)
Index("effects_record", effects.c.connection, effects.c.object, effects.c.record_id)
Index("effects_subject", effects.c.subject)

contests = Table(
    "contests",
    metadata,
    Column("uid", Text, primary_key=True),
    # The output whose field something else changes back, and how often in a row it has.
    Column("output", Text, primary_key=True),
    Column("reversals", Integer, nullable=False),
    # True once the field is left alone.
    Column("frozen", Boolean, nullable=False),
    Column("ours", Text, nullable=False),
    Column("theirs", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

rotation = Table(
    "rotation",
    metadata,
    Column("pool", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    # Hash of members and weights: a new line-up starts a new count.
    Column("lineup", Text, nullable=False),
    Column("given", BigInteger, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    # The process that runs it, named as in `leases`.
    Column("holder", Text, nullable=False),
    Column("now", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("counts", Text, nullable=False),
    Column("error", Text),
)

notices = Table(
    "notices",
    metadata,
    Column("connection", _ORDERED, primary_key=True),
    Column("object", _ORDERED, primary_key=True),
    Column("record_id", _ORDERED, primary_key=True),
    # Another one with every webhook that names the record: handling it never forgets a later one.
    Column("stamp", Text, nullable=False),
    # The vendor's time of the latest event, 0 when it told none.
    Column("occurred_at", BigInteger, nullable=False),
    # When the first of the webhooks came that nobody has handled.
    Column("received_at", BigInteger, nullable=False),
)

calls = Table(
    "calls",
    metadata,
    Column("connection", Text, primary_key=True),
    # Days since 1970 UTC.
    Column("day", BigInteger, primary_key=True),
    Column("made", BigInteger, nullable=False),
)
