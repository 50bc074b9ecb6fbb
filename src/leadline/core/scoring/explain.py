"""Why a score is what it is: a line per event and rule for a page, short sentences for a salesperson."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from leadline.core.scoring.behind import people_behind
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.model import CAP, DAY, FLOOR, IDLE, PERSONA, POINT, ROUNDING, TOTAL, WEIGHT, Model, Part
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.subject import Evaluation, LedgerRow, Subject, Tally

_ADJUSTMENTS = {
    CAP: "Limit of {part} reached",
    FLOOR: "Lowest value of {part}",
    ROUNDING: "{part}: down to a whole point",
    WEIGHT: "{part}: {weight} percent of it count",
}
LEAST_TOLD = POINT // 2  # thousandths: what rounds to 0 is no reason

# Not strftime's, which follow the machine's language.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Line:
    """One event or rule. points = raw_points - lost_to_decay - lost_to_cap (thousandths).

    `source` is the uid of the activity, person or account that it comes from; `at` and `age_days`
    are of the event. Lines about what caps and gates took have no source. `people` are the uids of the
    people behind it: whose event it is, or of whom an account's rule is true; `person` the only one.
    """

    rule: str
    name: str
    part: str
    points: int
    raw_points: int
    lost_to_decay: int = 0
    lost_to_cap: int = 0
    value: str | None = None
    source: str | None = None
    person: str | None = None
    at: int | None = None
    age_days: int | None = None
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A record's score, line by line; the lines' points sum to `evaluation.score`."""

    evaluation: Evaluation
    now: int
    lines: tuple[Line, ...]


def spoken_names(model: Model, segment: str | None = None) -> dict[str, str]:
    """What a salesperson reads, by the id of what gives points, in a segment (None or "": in none).

    Where only other segments have a persona, the first one's.
    """
    named = {rule.id: rule.name for rule in model.rules}
    named |= {signal.id: signal.name for signal in model.signals}
    named |= {entry.id: entry.name for entry in model.committee}
    own = [entry.persona for entry in model.segments if entry.id == segment]
    persona = next(filter(None, [*own, model.persona, *(entry.persona for entry in model.segments)]), None)
    if persona:
        named[PERSONA] = persona.name
    if model.idle:
        named[IDLE] = model.idle.name
    return named


def rule_names(model: Model) -> dict[str, str]:
    """What every row of a ledger is called that a model file names: what gives points, and caps."""
    return spoken_names(model) | {entry.id: entry.name for entry in model.caps}


def explain(model: Model, subject: Subject, now: int, *, segment: str | None = None) -> Explanation:
    """Score one record and show every contribution, per event where events count.

    `segment`: as if it were in that one ("" for none).
    """
    whole_plan = compile_model(model)
    evaluation = evaluate(model, subject, now, plan=whole_plan, segment=segment)
    plan = whole_plan.of(evaluation.segment)
    names = rule_names(plan.model)
    lines: list[Line] = []
    for row in evaluation.ledger:
        mine = [tally for tally in evaluation.tallies if tally.timed.signal.id == row.rule]
        if mine:
            lines += _event_lines(row, mine, now)
        else:
            name = _adjustment(plan.model, row) or names[row.rule]
            lines.append(_rule_line(row, name, subject, people_behind(plan, evaluation, row, now)))
    return Explanation(evaluation, now, tuple(lines))


def _adjustment(model: Model, row: LedgerRow) -> str | None:
    """What a row of limits, rounding or weight is called; None of any other row."""
    text = _ADJUSTMENTS.get(row.rule)
    if text is None:
        return None
    if row.part == TOTAL:
        return text.format(part="the score")
    return text.format(part=row.part, weight=model.weight(Part(row.part)))


def _rule_line(row: LedgerRow, name: str, subject: Subject, people: tuple[str, ...]) -> Line:
    return Line(
        row.rule,
        name,
        row.part,
        row.points,
        row.raw_points,
        value=row.value,
        source=subject.uid if row.count else None,
        person=people[0] if len(people) == 1 else None,
        at=row.last_at,
        people=people,
    )


def _event_lines(row: LedgerRow, tallies: Sequence[Tally], now: int) -> list[Line]:
    """A line per event, and one for what caps took from the row as a whole."""
    lines = [line for tally in tallies for line in _tally_lines(tally, now)]
    lines.sort(key=lambda line: (-(line.at or 0), line.source or "", line.person or ""))
    if row.lost_to_cap:
        name = f"{tallies[0].timed.signal.name}: limit reached"
        lines.append(Line(row.rule, name, row.part, -row.lost_to_cap, 0, lost_to_cap=row.lost_to_cap))
    return lines


def _tally_lines(tally: Tally, now: int) -> list[Line]:
    signal = tally.timed.signal
    best = tally.picked
    lines = []
    for position, (event, points) in enumerate(zip(tally.events, tally.points, strict=True)):
        counts = best is None or best == position
        lines.append(
            Line(
                signal.id,
                signal.name if counts else f"{signal.name}: counts once",
                signal.part,
                points if counts else 0,
                signal.points if counts else 0,
                signal.points - points if counts else 0,
                value=event.asset,
                source=event.uid or None,
                person=tally.holder,
                at=event.at,
                age_days=max(0, now - event.at) // DAY,
                people=(tally.holder,) if tally.holder else (),
            )
        )
    return lines


# Sales language


def sentences(
    model: Model,
    rows: Sequence[LedgerRow],
    *,
    segment: str | None = None,
    max_length: int = 1000,
    limit: int | None = None,
) -> str:
    """The reasons for a score, strongest first, as short lines that fit into a CRM field.

    `segment`: the one by which the record was scored, unless `model` is its variant. Caps, limits, rounding and weights
    are no reasons. Whole lines only; lines that do not fit (in characters) are left out, weakest first, and so are
    reasons of less than half a point.
    """
    names = spoken_names(model, segment)
    reasons = [row for row in rows if row.rule in names and abs(row.points) >= LEAST_TOLD]
    reasons.sort(key=lambda row: (-abs(row.points), row.rule))
    text = ""
    for row in reasons[:limit]:
        longer = "\n".join(filter(None, (text, sentence(names[row.rule], row))))
        if len(longer) > max_length:
            break
        text = longer
    return text


def sentence(name: str, row: LedgerRow) -> str:
    """One reason, points to the nearest whole: "Viewed the pricing page 3 times, last on 14 Nov (+30)"."""
    text = name
    if row.value:
        text += f": {row.value.replace('_', ' ')}"
    if row.last_at is not None:
        day = short_date(row.last_at)
        if row.rule == IDLE:
            text += f" since {day}"
        else:
            text += f" {row.count} times, last on {day}" if row.count > 1 else f" on {day}"
    elif row.count > 1:
        text += f" ({row.count} people)"
    nearest = (abs(row.points) + POINT // 2) // POINT
    return f"{text} ({'-' if row.points < 0 else '+'}{nearest})"


def tenths(thousandths: int) -> int:
    """To the nearest tenth of a point, halves away from zero: more than a salesperson needs to read."""
    nearest = (abs(thousandths) + 50) // 100 * 100
    return nearest if thousandths > 0 else -nearest


def short_date(at: int) -> str:
    """A day as "14 Nov" (UTC)."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {_MONTHS[moment.month - 1]}"


def points_text(thousandths: int) -> str:
    """Signed points, with decimals only where there are some: "+30", "-2.5"."""
    whole, rest = divmod(abs(thousandths), POINT)
    return ("-" if thousandths < 0 else "+") + str(whole) + (f".{rest:03}".rstrip("0") if rest else "")
