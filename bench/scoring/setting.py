"""Where a run of the bench lies, how large it is, and what it must reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.scoring.race import PEERS, Program, run

MODEL = Path(__file__).parent / "model.yaml"
NOW = 1_700_000_000
SAMPLE = 10  # programs that go record by record have one account in so many, and their seconds are multiplied


@dataclass(frozen=True)
class Setting:
    """Sizes are in accounts: five people each, fifty activities each."""

    folder: Path
    accounts: int
    rounds: int

    @property
    def sample(self) -> int:
        """Accounts of the sample."""
        return max(self.accounts // SAMPLE, 1)

    def world(self, accounts: int) -> Path:
        """The folder of a world of that size; made when it is not there."""
        maker = Program("world", "world.py", (str(self.folder), "--accounts", str(accounts)))
        return Path(str(run(maker).told["folder"]))

    def out(self, name: str) -> Path:
        """A folder for what a program writes."""
        folder = self.folder / "out" / name.replace(" ", "-").replace(",", "")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def ours(self, name: str, world: Path, model: Path = MODEL) -> Program:
        """Leadline on that world, by that model."""
        arguments = (str(model), str(world), str(self.out(name)), str(NOW))
        return Program(name, "ours/files.py", arguments)

    def rival(self, name: str, file: str, world: Path, python: Path = PEERS, more: Sequence[str] = ()) -> Program:
        """Somebody else on that world. `more` are arguments behind the usual ones."""
        return Program(name, f"rivals/{file}", (str(world), str(self.out(name)), str(NOW), *more), python)


@dataclass(frozen=True)
class Target:
    """What was measured and what it must be: at most, or at least."""

    what: str
    measured: float
    at_most: float | None = None
    at_least: float | None = None
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether it is."""
        low = self.at_least is None or self.measured >= self.at_least
        return low and (self.at_most is None or self.measured <= self.at_most)

    def __str__(self) -> str:
        limit = f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"
        return f"{'met' if self.met else 'MISSED'}: {self.what}: {self.measured:.2f}{self.unit}, target {limit}"


Targets = Sequence[Target]
