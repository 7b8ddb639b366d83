"""What does a call that brought nothing to use say in a check?"""

from __future__ import annotations

from tocsin.core.checks import Line, State
from tocsin.core.ports import Response, WireFault
from tocsin.providers.pagerduty import answers


def fault(subject: str, what: str, answer: Response | WireFault | None) -> Line:
    """The line of a call that brought nothing to use."""
    if answer is None:
        return Line(
            subject=subject, state=State.FAILED, text=f"{what}: no answer in time", step="try again", unreachable=True
        )  # fmt: skip
    if isinstance(answer, WireFault):
        step = "check base_url, the network, and any proxy between"
        return Line(
            subject=subject, state=State.FAILED, text=f"{what}: {answer.message}", step=step, unreachable=True
        )  # fmt: skip
    refusal = answers.not_done(answer, (), act=False)
    text = refusal.reason if refusal else "the answer is unreadable"
    step = "wait a minute and try again" if answer.status == 429 else "see status.pagerduty.com and try again"
    return Line(
        subject=subject, state=State.FAILED, text=f"{what}: {text}",
        step=step if answer.status == 429 or answer.status >= 500 else "", unreachable=answer.status >= 500,
    )  # fmt: skip
