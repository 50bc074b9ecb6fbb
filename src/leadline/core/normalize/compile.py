"""A mapping file's rules -> the typed mapping, with everything that a file alone can get wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leadline.core.entities import FIELDS, Entity, Field, Kind
from leadline.core.normalize import domains
from leadline.core.normalize.amounts import CURRENCIES
from leadline.core.normalize.grammar import FieldRule, MappingFile, Name, ObjectRule, SkipRule, WriteRule
from leadline.core.normalize.mapping import Link, ObjectMapping, Reading, Skip, Write
from leadline.core.normalize.mapping import Mapping as TypedMapping
from leadline.core.normalize.transforms import DEFAULT_TRANSFORM, TRANSFORMS
from leadline.core.normalize.write import OUTPUTS
from leadline.yamlfile import FileError, Mistake, did_you_mean

if TYPE_CHECKING:
    from leadline.sdk.records import Scalar
    from leadline.yamlfile import Document, Path

# What a record of an entity is worthless without: one field of each group must be filled.
NEEDED: dict[Entity, tuple[tuple[str, ...], ...]] = {
    Entity.ACCOUNT: (("name", "domain"),),
    Entity.PERSON: (("kind",), ("name", "email")),
    Entity.ACTIVITY: (("kind",), ("at",), ("person", "account")),
    Entity.OPPORTUNITY: (("account", "person"),),
    Entity.OWNER: (("name", "email"),),
}
_WRITABLE = (Entity.ACCOUNT, Entity.PERSON)
_WAYS = {"from": "from_", "join": "join", "association": "association"}
_PYTHON = {Kind.TEXT: str, Kind.INTEGER: int, Kind.BOOLEAN: bool, Kind.ENUM: str}


def build(file: MappingFile, document: Document) -> TypedMapping:
    """The typed mapping. FileError with every mistake, in the order of the file."""
    builder = _Builder(file)
    objects = {name: builder.compile(name, rule) for name, rule in file.objects.items()}
    if builder.mistakes:
        located = [document.located(mistake) for mistake in builder.mistakes]
        raise FileError(sorted(located, key=lambda one: int(one.place.rpartition(":")[2])))
    return TypedMapping(file.system, objects, dict(file.sequences), dict(file.lists), document)


class _Builder:
    """Collects mistakes while it builds, so that one look at a file finds all of them."""

    def __init__(self, file: MappingFile) -> None:
        self._file = file
        self.mistakes: list[Mistake] = []
        self._check_currency(file.currency, ("currency",))
        self._competitors = frozenset(self._competitor_domains())

    def compile(self, name: str, rule: ObjectRule) -> ObjectMapping:
        path: Path = ("objects", name)
        known = {field.name: field for field in FIELDS[rule.entity]}
        self._check_needed(path, rule)
        readings = []
        for canonical, how in rule.fields.items():
            here = (*path, "fields", canonical)
            if canonical not in known:
                fix = did_you_mean(canonical, list(known))
                self._wrong(here, f"{rule.entity} has no canonical field '{canonical}'", fix)
                continue
            written = FieldRule.model_validate({"from": how}) if isinstance(how, str) else how
            readings += self._reading(here, known[canonical], written)
        return ObjectMapping(
            name=name,
            entity=rule.entity,
            constants=dict(self._constants(path, rule, known)),
            skips=tuple(self._skips((*path, "skip_when"), rule.skip_when)),
            readings=tuple(readings),
            write={write.output: write for write in self._writes((*path, "write"), rule)},
            competitor_domains=self._competitors,
        )

    def _wrong(self, path: Path, message: str, fix: str = "") -> None:
        self.mistakes.append(Mistake(path, message, fix))

    def _check_currency(self, currency: str, path: Path) -> None:
        if currency not in CURRENCIES:
            self._wrong(path, f"unknown currency '{currency}'", did_you_mean(currency, list(CURRENCIES)))

    def _competitor_domains(self) -> Iterator[str]:
        for index, written in enumerate(self._file.competitor_domains):
            domain = domains.domain(written)
            if domain is None:
                self._wrong(
                    ("competitor_domains", index), f"'{written}' is not a web domain", "Write it like acme.com."
                )
            else:
                yield domain

    def _check_needed(self, path: Path, rule: ObjectRule) -> None:
        for group in NEEDED[rule.entity]:
            if not any(name in rule.fields or name in rule.set for name in group):
                names = " or ".join(f"'{name}'" for name in group)
                self._wrong(path, f"entity {rule.entity} needs {names}", "Add it under `fields`.")

    def _constants(self, path: Path, rule: ObjectRule, known: Mapping[str, Field]) -> Iterator[tuple[str, Scalar]]:
        for name, value in rule.set.items():
            here = (*path, "set", name)
            if name not in known:
                message = f"{rule.entity} has no canonical field '{name}'"
                self._wrong(here, message, did_you_mean(name, list(known)))
            elif name in rule.fields:
                self._wrong(here, f"'{name}' is under `fields` too", "Keep one of the two.")
            elif self._is_value_of(here, known[name], value):
                yield name, value

    def _is_value_of(self, path: Path, field: Field, value: object) -> bool:
        """Whether a value written in the file can be a final value of the field."""
        kind = _PYTHON.get(field.kind)
        if kind is None:
            self._wrong(path, f"'{field.name}' is a {field.kind}, which cannot be written as a value")
        elif not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self._wrong(path, f"should be a {field.kind}, not {value!r}")
        elif field.values and value not in field.values:
            message = f"unknown value '{value}' of {field.name}"
            self._wrong(path, message, did_you_mean(str(value), field.values))
        else:
            return True
        return False

    def _reading(self, path: Path, field: Field, rule: FieldRule) -> list[Reading]:
        ways = [key for key, attribute in _WAYS.items() if getattr(rule, attribute) is not None]
        if len(ways) != 1:
            self._wrong(path, "exactly one of `from`, `join` and `association` is needed")
            return []
        if rule.with_ is not None and ways != ["join"]:
            self._wrong((*path, "with"), "`with` goes with `join` only")
        if field.kind is Kind.LINK:
            return self._link_reading(path, field, rule, ways[0])
        if rule.link is not None or rule.association is not None:
            key = "association" if rule.association is not None else "link"
            self._wrong((*path, key), f"'{field.name}' is a {field.kind}, not a link to another record")
            return []
        return self._value_reading(path, field, rule)

    def _value_reading(self, path: Path, field: Field, rule: FieldRule) -> list[Reading]:
        name = rule.transform or DEFAULT_TRANSFORM[field.kind]
        if not self._fits(path, field, name):
            return []
        self._check_values(path, field, rule)
        currency = rule.currency or self._file.currency
        if rule.currency is not None:
            self._check_currency(currency, (*path, "currency"))
            if name != "money":
                self._wrong((*path, "currency"), "`currency` goes with `transform: money` only")
        return [
            Reading(
                field=field,
                sources=_names(rule.join if rule.join is not None else rule.from_),
                transform_name=name,
                transform=TRANSFORMS[name],
                currency=currency,
                joint=(rule.with_ if rule.with_ is not None else "/") if rule.join is not None else None,
                values=rule.values or {},
                default=rule.default,
            )
        ]

    def _fits(self, path: Path, field: Field, name: str) -> bool:
        """Whether the transform exists and makes what the field holds."""
        path = (*path, "transform")
        transform = TRANSFORMS.get(name)
        if transform is None:
            self._wrong(path, f"unknown transform '{name}'", did_you_mean(name, list(TRANSFORMS)))
            return False
        right = [
            other
            for other, candidate in TRANSFORMS.items()
            if candidate.kind is field.kind and set(candidate.values) <= set(field.values)
        ]
        if name not in right:
            fix = f"Possible here: {', '.join(right)}."
            self._wrong(path, f"transform '{name}' makes no {field.name} ({field.kind})", fix)
        return name in right

    def _check_values(self, path: Path, field: Field, rule: FieldRule) -> None:
        final = field.kind in (Kind.ENUM, Kind.BOOLEAN)
        for written, value in (rule.values or {}).items():
            # Other kinds go through the transform, which reads text.
            if value is not None and final:
                self._is_value_of((*path, "values", written), field, value)
        if rule.default is not None:
            self._is_value_of((*path, "default"), field, rule.default)

    def _link_reading(self, path: Path, field: Field, rule: FieldRule, way: str) -> list[Reading]:
        for key in ("transform", "values", "default", "currency"):
            if getattr(rule, key) is not None:
                self._wrong((*path, key), f"`{key}` does not go with a link")
        associations = _names(rule.association)
        link = Link(tuple((name, name) for name in associations))
        if way == "join":
            self._wrong((*path, "join"), "a link is one id, not several texts")
        elif way == "from" and rule.link is None:
            fix = "Add `link:` with the object that the id belongs to."
            self._wrong(path, f"'{field.name}' is a link to another record", fix)
        elif way == "association" and rule.link is not None:
            self._wrong((*path, "link"), "an association names its object already")
        elif isinstance(rule.link, str):
            link = Link((("", rule.link),))
        elif rule.link is not None:
            longest_first = sorted(rule.link.items(), key=lambda item: -len(item[0]))
            link = Link(tuple(longest_first))
        for target in link.targets():
            self._check_target((*path, way if way == "association" else "link"), field, target)
        text = TRANSFORMS["text"]
        sources = _names(rule.from_)
        return [Reading(field, sources, "text", text, self._file.currency, associations=associations, link=link)]

    def _check_target(self, path: Path, field: Field, target: str) -> None:
        rule = self._file.objects.get(target)
        if rule is None:
            fix = did_you_mean(target, list(self._file.objects))
            self._wrong(path, f"object '{target}' is not in this file", fix)
        elif rule.entity not in field.links_to:
            wanted = " or ".join(field.links_to)
            self._wrong(path, f"'{field.name}' links to {wanted}, but object '{target}' is {rule.entity}")

    def _skips(self, path: Path, written: SkipRule | list[SkipRule] | None) -> Iterator[Skip]:
        rules = [] if written is None else written if isinstance(written, list) else [written]
        for index, rule in enumerate(rules):
            given = [value for value in (rule.known, rule.in_, rule.not_in) if value is not None]
            if len(given) != 1:
                here = (*path, index) if isinstance(written, list) else path
                self._wrong(here, "exactly one of `known`, `in` and `not_in` is needed")
            yield Skip(rule.field, rule.known, _spellings(rule.in_), _spellings(rule.not_in))

    def _writes(self, path: Path, rule: ObjectRule) -> Iterator[Write]:
        if rule.write and rule.entity not in _WRITABLE:
            self._wrong(path, f"nothing is written to a record of entity {rule.entity}", "Remove `write`.")
            return
        taken: dict[str, str] = {}
        for name, written in rule.write.items():
            here = (*path, name)
            target = WriteRule(to=written, values=None) if isinstance(written, str) else written
            if name not in OUTPUTS:
                self._wrong(here, f"unknown output '{name}'", did_you_mean(name, list(OUTPUTS)))
                continue
            if target.to in taken:
                self._wrong(
                    here, f"'{target.to}' is written by '{taken[target.to]}' already", "Give each its own field."
                )
            taken[target.to] = name
            self._check_write_values(here, name, target)
            yield Write(name, target.to, dict(target.values or {}))

    def _check_write_values(self, path: Path, name: str, target: WriteRule) -> None:
        output = OUTPUTS[name]
        if target.values and output.kind not in (Kind.ENUM, Kind.TEXT):
            self._wrong((*path, "values"), f"'{name}' is a {output.kind} and takes no value map")
        for ours in target.values or {}:
            if output.values and ours not in output.values:
                fix = did_you_mean(ours, output.values)
                self._wrong((*path, "values", ours), f"unknown value '{ours}' of {name}", fix)


def _names(written: Name | Sequence[str] | None) -> tuple[str, ...]:
    if written is None:
        return ()
    return (written,) if isinstance(written, str) else tuple(written)


def _spellings(values: Sequence[Any] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(spelling(value) for value in values)


def spelling(value: object) -> str:
    """A value as value maps and `skip_when` compare it: text without case; booleans are true and false."""
    return str(value).strip().casefold()
