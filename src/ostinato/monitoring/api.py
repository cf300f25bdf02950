"""The operations on monitors, what they found, and alerts."""

from __future__ import annotations

from ostinato.kernel.operation import Op
from ostinato.monitoring.service import Monitors

NAME = "monitors"
SERVICE = Monitors

OPS: list[Op] = [
    Op("POST", "/monitors", Monitors.create, "monitor:write"),
    Op("GET", "/monitors", Monitors.all, "monitor:read"),
    Op("GET", "/monitor-states", Monitors.states, "monitor:read"),
    Op("GET", "/monitors/{monitor}", Monitors.get, "monitor:read"),
    Op("GET", "/monitors/{monitor}/story", Monitors.story, "monitor:read"),
    Op("GET", "/monitors/{monitor}/references", Monitors.references, "monitor:write"),
    Op("POST", "/monitors/{monitor}/rebase", Monitors.rebase, "monitor:write"),
    Op("POST", "/monitors/{monitor}/measure", Monitors.measure, "monitor:write"),
    Op("POST", "/monitors/{monitor}/assess", Monitors.assess, "monitor:write"),
    Op("GET", "/monitors/{monitor}/windows", Monitors.windows, "monitor:read"),
    Op("GET", "/monitors/{monitor}/heat", Monitors.heat, "monitor:read"),
    Op("GET", "/monitors/{monitor}/performance", Monitors.performance, "monitor:read"),
    Op("POST", "/monitors/{monitor}/silence", Monitors.silence, "monitor:write"),
    Op("POST", "/silences/{silence}/end", Monitors.end_silence, "monitor:write"),
    Op("GET", "/windows/{window}", Monitors.window, "monitor:read"),
    Op("GET", "/windows/{window}/distributions/{feature:path}", Monitors.distribution, "monitor:read"),
    Op("GET", "/windows/{window}/reactions", Monitors.reactions, "monitor:read"),
    Op("GET", "/findings", Monitors.findings, "monitor:read"),
    Op("GET", "/finding-page", Monitors.finding_page, "monitor:read"),
    Op("GET", "/findings/{finding}", Monitors.finding, "monitor:read"),
    Op("GET", "/findings/{finding}/history", Monitors.finding_history, "monitor:read"),
    Op("POST", "/findings/{finding}/acknowledge", Monitors.acknowledge, "monitor:write"),
    Op("GET", "/alerts", Monitors.alerts, "monitor:read"),
    Op("POST", "/alerts", Monitors.raise_alert, "monitor:write"),
    Op("POST", "/alerts/{alert}/acknowledge", Monitors.acknowledge_alert, "monitor:write"),
]
