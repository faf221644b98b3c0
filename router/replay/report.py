"""What a replay found, as tables for people and as plain values for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from router.replay.estimates import Judgement
from router.replay.figures import SERVICE_LEVEL_VARIANT, SHORT_ABANDON_S, ClassFigures, Figures
from router.replay.order import Agreement
from router.replay.trace import CLASSES

NONE = "–"
LOG, PLAIN = "log", "fcfs"


@dataclass(frozen=True, slots=True)
class Change:
    """How much longer a class waits on average, in seconds and in percent, and its p90 before and after."""

    mean_wait_s: float
    mean_percent: float
    p90_before_s: float
    p90_s: float


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned: the first to the left, the others to the right; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def waits_table(rules: Mapping[str, Figures], titles: Mapping[str, str], within_s: int) -> str:
    """One table for each class that called, the rules below one another."""
    heading = ["calls", "mean wait", "median", "p90", f"answered ≤ {within_s} s", "hung up"]
    tables = [
        table([[name, *heading], *([titles[rule], *_cells(figures[name])] for rule, figures in rules.items())])
        for name in CLASSES.values()
        if any(figures[name].calls for figures in rules.values())
    ]
    note = (
        f"Waits of the answered, in seconds. Service level: variant {SERVICE_LEVEL_VARIANT},"
        f" answered within {within_s} s ÷ (answered + hung up − hung up within {SHORT_ABANDON_S} s)."
    )
    return "\n\n".join([*tables, note])


def costs(rules: Mapping[str, Figures]) -> dict[str, dict[str, Change]]:
    """What VIPs gain and what ordinary callers pay: rule → class → change against first come, first served."""
    plain = rules[PLAIN]
    return {
        rule: {name: change for name in CLASSES.values() if (change := _change(plain[name], figures[name]))}
        for rule, figures in rules.items()
        if rule not in (LOG, PLAIN)
    }


def cost_sentences(changes: Mapping[str, Mapping[str, Change]], titles: Mapping[str, str]) -> list[str]:
    """The same in words; a rule with too few callers to compare is left out."""
    return [
        f"{titles[rule]}: VIPs wait {_said(change['vip'])}, ordinary callers {_said(change['regular'])}."
        for rule, change in changes.items()
        if change.keys() >= {"vip", "regular"}
    ]


def agreement_table(rows: Mapping[str, Mapping[str, Agreement]]) -> str:
    """Trace → rule → agreement; a row a trace, a column a rule."""
    rules = list(next(iter(rows.values())))
    return table(
        [
            ["agreement in %", "decisions", *rules],
            *(
                [name, f"{_decisions(row):,}", *(_number(row[rule].percent) for rule in rules)]
                for name, row in rows.items()
            ),
        ]
    )


def agreement_document(row: Mapping[str, Agreement]) -> dict[str, object]:
    """`{"decisions": n, "agreement": {"0": 71.2, …}}`; null where nobody had to choose."""
    shares = {rule: None if each.percent is None else round(each.percent, 2) for rule, each in row.items()}
    return {"decisions": _decisions(row), "agreement": shares}


def estimates_document(found: Mapping[str, Judgement]) -> dict[str, dict[str, float | int | None]]:
    """Class → figures; errors in s, shares in percent of the answers."""
    return {
        name: {
            "answers": each.answers,
            "rmse_s": _rounded(each.rmse_s),
            "p50_mae_s": _rounded(each.mae_s),
            "within_30_s": _rounded(each.share(each.near)),
            "within_p50": _rounded(each.share(each.within_p50)),
            "within_p90": _rounded(each.share(each.within_p90)),
        }
        for name, each in found.items()
    }


def estimates_table(found: Mapping[str, Judgement]) -> str:
    """The same for people, a row a class."""
    heading = ["", "answers", "RMSE s", "p50: MAE s", "≤ 30 s off", "≤ p50", "≤ p90"]
    rows = [
        [
            name,
            f"{each.answers:,}",
            _number(each.rmse_s),
            _number(each.mae_s),
            *(f"{_number(each.share(n))} %" for n in (each.near, each.within_p50, each.within_p90)),
        ]
        for name, each in found.items()
    ]
    return table([heading, *rows])


def in_all(rows: Iterable[Mapping[str, Agreement]]) -> dict[str, Agreement]:
    """The traces taken together."""
    total: dict[str, Agreement] = {}
    for row in rows:
        for rule, each in row.items():
            total[rule] = total.get(rule, Agreement()) + each
    return total


def _decisions(row: Mapping[str, Agreement]) -> int:
    """The same under every rule: the log's own."""
    return next(iter(row.values())).decisions


def _cells(figures: ClassFigures) -> list[str]:
    return [
        f"{figures.calls:,}",
        _number(figures.mean_wait_s),
        _number(figures.median_wait_s),
        _number(figures.p90_wait_s),
        _percent(figures.service_level),
        _percent(figures.abandoned_share),
    ]


def _change(before: ClassFigures, after: ClassFigures) -> Change | None:
    if not before.mean_wait_s or after.mean_wait_s is None or before.p90_wait_s is None or after.p90_wait_s is None:
        return None
    longer = after.mean_wait_s - before.mean_wait_s
    return Change(longer, 100 * longer / before.mean_wait_s, before.p90_wait_s, after.p90_wait_s)


def _said(change: Change) -> str:
    longer = f"{change.mean_percent:+.0f} % ({change.mean_wait_s:+.1f} s"
    return f"{longer}; p90 {change.p90_before_s:.0f} → {change.p90_s:.0f} s)"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f}"


def _percent(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f} %"
