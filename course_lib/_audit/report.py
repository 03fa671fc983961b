"""What an audit says, and how it reads."""

from __future__ import annotations

import html
import re
import textwrap
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from course_lib._audit.faults import FAULTS

if TYPE_CHECKING:
    from course_lib.pictures import Picture
    from course_lib.propagation import Trace

# Worst first: values are wrong for everybody, a metric only for its reader.
SYMPTOMS = ("outputs", "loss", "gradients", "metric")


@dataclass(frozen=True)
class Finding:
    """One fault.

    Attributes:
        kind: what happened: "leak", "lost", "ignored", "stripped", "overwritten", "neutralised",
            "misaligned", "unmasked branch", "wrong mask", "never", "inside", "loss", "metric",
            "choice", "sample_weight", "gradient", "added loss" or "neighbours".
        layer: the layer at which it happened, or the raw operation and the layers on both sides.
        message: what is wrong there, and how to fix it.
        evidence: tuple of sentences, what was measured.
        symptom: what it spoils first: "outputs", "loss", "gradients" or "metric".
    """

    kind: str
    layer: str
    message: str
    evidence: tuple[str, ...] = ()
    symptom: str = "outputs"

    def __str__(self) -> str:
        return f"{self.layer}: {self.title}. {self.message}"

    @property
    def title(self) -> str:
        """The kind in words."""
        return FAULTS[self.kind].title


def finding(cause, symptom, evidence):
    """Return the `Finding` for a `Cause`."""
    return Finding(cause.kind, cause.layer, cause.message, tuple(evidence), symptom)


@dataclass(repr=False, eq=False)
class AuditReport:
    """What `audit` found. It prints as text, and as a table in Jupyter.

    Attributes:
        model_name: the model's name.
        findings: list of `Finding`, worst first.
        notes: list of str: what is worth knowing and no fault.
        checked: list of str: what was compared.
        trace: the `Trace` of the batch.
        forwards: how many eager forward passes were run.
        inputs: list of str: what each input was taken for, a sequence of which lengths or none.
    """

    model_name: str
    findings: list[Finding]
    notes: list[str]
    checked: list[str]
    trace: Trace
    forwards: int
    inputs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.findings = join(self.findings)
        self.notes = list(dict.fromkeys(self.notes))
        self.inputs = list(self.inputs)

    @property
    def ok(self) -> bool:
        """True if nothing was found."""
        return not self.findings

    def picture(self) -> Picture:
        """Return the mask's way through the model as a `Picture`."""
        return self.trace.picture()

    def _lists(self):
        return (("Inputs", self.inputs), ("Checked", self.checked), ("Notes", self.notes))

    def short(self) -> str:
        """Return the verdict and a line or two for each finding, without what was compared."""
        lines = [self._verdict()]
        for one in self.findings:
            lines += textwrap.wrap(one.message, 90, initial_indent="- ", subsequent_indent="  ")
        return "\n".join(lines)

    def _verdict(self):
        if self.ok:
            return f"{self.model_name}: padding is invisible."
        count = len(self.findings)
        return f"{self.model_name}: padding is visible ({count} finding{'s' * (count > 1)})."

    def __repr__(self) -> str:
        lines = [self._verdict()]
        for number, one in enumerate(self.findings, start=1):
            head = f"{number}. {one.title} at {one.layer} (seen in: {one.symptom})"
            lines += ["", *textwrap.wrap(head, 99, subsequent_indent="   ")]
            lines += textwrap.wrap(one.message, 96, initial_indent="   ", subsequent_indent="   ")
            for text in one.evidence:
                lines += textwrap.wrap(text, 96, initial_indent="   - ", subsequent_indent="     ")
        for title, texts in self._lists():
            if texts:
                lines += ["", f"{title}:"]
            for text in texts:
                lines += textwrap.wrap(text, 98, initial_indent="- ", subsequent_indent="  ")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th style='text-align:left'>{cell}</th>"
            for cell in ("", "what", "where", "why, and how to fix it", "seen in")
        )
        rows = "".join(
            f"<tr>{_cell(str(number))}{_cell(one.title)}{_cell(one.layer)}"
            f"{_cell(one.message, *one.evidence)}{_cell(one.symptom)}</tr>"
            for number, one in enumerate(self.findings, start=1)
        )
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        lists = "".join(
            f"<p>{title}</p><ul>" + "".join(f"<li>{_code(text)}</li>" for text in texts) + "</ul>"
            for title, texts in self._lists()
            if texts
        )
        verdict = f"<p><b>{html.escape(self._verdict())}</b></p>"
        return f"{verdict}{table if rows else ''}{lists}{self.trace._repr_html_()}"


def _cell(*texts):
    text = "<br>• ".join(map(_code, texts))
    return f"<td style='text-align:left;vertical-align:top'>{text}</td>"


def _code(text):
    """Return a text as HTML, what stands in backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def join(findings):
    """Put findings at one layer together, under what is worst, and the worst layer first."""
    joined = {}
    for one in sorted(findings, key=lambda one: SYMPTOMS.index(one.symptom)):
        first = joined.setdefault(one.layer, one)
        evidence = tuple(dict.fromkeys((*first.evidence, *one.evidence)))
        joined[one.layer] = replace(first, evidence=evidence)
    return list(joined.values())
