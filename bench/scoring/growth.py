"""The bench's model with more rules of one kind, none of which can be taken for another."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

MODEL = Path(__file__).parent / "model.yaml"
FIT_RULES = 12  # the first of the file
LIFECYCLES = ("prospect", "customer", "partner", "competitor")


def more_fit_rules(times: int) -> str:
    """The model with so many times the fit rules: other bounds, other words."""
    model = _model()
    for number in range(1, times):
        for rule in model["rules"][:FIT_RULES]:
            copy = {**deepcopy(rule), "id": f"{rule['id']}_{number}"}
            _change(copy["when"], number)
            model["rules"].append(copy)
    return yaml.safe_dump(model, sort_keys=False)


def more_signals(times: int) -> str:
    """The model with so many times the signals, on the same kinds: an event belongs to as many."""
    model = _model()
    for number in range(1, times):
        for signal in model["signals"][: len(_model()["signals"])]:
            copy = {**deepcopy(signal), "id": f"{signal['id']}_{number}", "window_days": signal["window_days"] - number}
            if "half_life_days" in copy:
                copy["half_life_days"] += 3 * number
            model["signals"].append(copy)
    return yaml.safe_dump(model, sort_keys=False)


def _model() -> Any:
    model = yaml.safe_load(MODEL.read_text())
    del model["description"]
    return model


def _change(when: dict[str, Any], number: int) -> None:
    for child in when.get("any", ()):
        _change(child, number)
    if "range" in when:
        when["range"] = [bound and bound + number for bound in when["range"]]
    if "known" in when:
        when.pop("known")
        when["equals"] = "ABCDEFGHIJ"[number - 1]
    elif "equals" in when:
        when["equals"] = f"{when['equals']}{number}"
    for key in ("in", "contains_any"):
        if key in when and len(when[key]) > 1:
            place = number % len(when[key])
            when[key] = when[key][place:] + when[key][:place]
            when[key] = when[key][: 1 + number % len(when[key])]
        elif key in when:
            when[key] = [*when[key], *LIFECYCLES[: number % len(LIFECYCLES)]]
