"""The operations of insights. Those that need no permission tell each caller what it may see."""

from __future__ import annotations

from ostinato.insights.service import Insights
from ostinato.kernel.operation import Op

NAME = "insights"
SERVICE = Insights

OPS: list[Op] = [
    Op("GET", "/search", Insights.search, ""),
    Op("GET", "/insights/home", Insights.home, "model:read"),
    Op("GET", "/insights/inbox", Insights.inbox, ""),
    Op("GET", "/insights/news", Insights.news, "ledger:read"),
    Op("GET", "/insights/practice", Insights.practice, "ledger:read"),
]
