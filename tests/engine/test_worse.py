"""An alert gets worse: what is asked at once, and what is not asked a second time (S6)?"""

from __future__ import annotations

from tocsin.core.severity import Severity

from .office import Office, create

BELL = 'type: bell, base_url: "${BELL_URL}", api_key: "${BELL_KEY}", webhook_token: "${BELL_TOKEN}"'
CONFIG = f"""
services: {{web: {{}}}}
routing:
  - {{name: it may heal, when: 'alert.severity in ["medium", "low"]', delay: 10m, continue: true}}
  - {{name: the worst, when: 'alert.severity == "critical"', page: everybody}}
  - {{name: all, page: one}}
escalation_policies:
  one: [{{all: [east]}}]
  everybody: [{{all: [east, west]}}]
integrations: {{prometheus: {{source: webhook, key: "${{AM_KEY}}"}}}}
connectors:
  east: {{{BELL}}}
  west: {{{BELL}}}
"""


async def say(office: Office, severity: Severity) -> list[tuple[str, str]]:
    """One more of the same alert; (connector, kind) of all that was asked for so far, texts left out."""
    await office.say(create(severity=severity))
    await office.decide()
    rows = await office.rows("SELECT connector, kind FROM effect WHERE kind <> 'update' ORDER BY id")
    return [(connector, kind) for connector, kind in rows]


async def test_s6_a_rise_ends_the_delay(office: Office) -> None:
    """S6: what may heal is waited for as long as it is no worse than that."""
    await office.configure(CONFIG)
    asked = [
        await say(office, Severity.MEDIUM),
        await say(office, Severity.MEDIUM),
        await say(office, Severity.HIGH),
    ]

    assert asked == [[], [], [("east", "create")]]


async def test_s6_a_rise_pages_the_targets_that_were_not_paged(office: Office) -> None:
    """S6: and those who have it already, and have not acknowledged, are not rung a second time."""
    await office.configure(CONFIG)
    before = await say(office, Severity.HIGH)
    after = await say(office, Severity.CRITICAL)

    assert before == [("east", "create")]
    assert after == [("east", "create"), ("west", "create")]
