"""The operations of the ledger."""

from __future__ import annotations

from ostinato.kernel.operation import Op
from ostinato.ledger.service import Ledger

NAME = "ledger"
SERVICE = Ledger

OPS: list[Op] = [
    Op("GET", "/ledger/events", Ledger.events, "ledger:read"),
    Op("GET", "/ledger/events/{event}", Ledger.event, "ledger:read"),
    Op("GET", "/ledger/tally", Ledger.tally, "ledger:read"),
    Op("GET", "/ledger/history/{ref:path}", Ledger.history, "ledger:read"),
    Op("GET", "/ledger/lineage/{ref:path}", Ledger.lineage, "ledger:read"),
    Op("POST", "/ledger/comments/{ref:path}", Ledger.comment, "ledger:write"),
    Op("GET", "/ledger/comments/{ref:path}", Ledger.comments, "ledger:read"),
    Op("PUT", "/ledger/comments/{comment}", Ledger.edit_comment, "ledger:write"),
    Op("GET", "/ledger/mentions", Ledger.mentions, "ledger:read"),
    Op("GET", "/ledger/holds", Ledger.holds, "ledger:read"),
    Op("POST", "/ledger/holds/{ref:path}", Ledger.hold, "ledger:hold"),
    Op("POST", "/ledger/releases/{hold}", Ledger.release, "ledger:hold"),
    Op("POST", "/ledger/erasures/{person:path}", Ledger.erase, "ledger:erase"),
    Op("GET", "/ledger/seal", Ledger.seal_state, "ledger:read"),
    Op("GET", "/ledger/heads", Ledger.heads, "ledger:read"),
    Op("GET", "/ledger/key", Ledger.key, "ledger:read"),
    Op("GET", "/ledger/head", Ledger.export_head, "ledger:read"),
    Op("GET", "/ledger/proofs/{event}", Ledger.proof, "ledger:read"),
    Op("GET", "/ledger/consistency/{old_size:int}", Ledger.consistency, "ledger:read"),
    Op("POST", "/ledger/seal", Ledger.seal, "ledger:write"),
    Op("POST", "/ledger/verify", Ledger.verify, "ledger:read"),
    Op("GET", "/ledger/subscriptions", Ledger.subscriptions, "access:admin"),
    Op("POST", "/ledger/subscriptions/{name}", Ledger.subscribe, "access:admin"),
    Op("DELETE", "/ledger/subscriptions/{name}", Ledger.unsubscribe, "access:admin"),
    Op("POST", "/ledger/subscriptions/{name}/test", Ledger.test, "access:admin"),
    Op("POST", "/ledger/subscriptions/{name}/pause", Ledger.pause, "access:admin"),
    Op("POST", "/ledger/subscriptions/{name}/resume", Ledger.resume, "access:admin"),
    Op("GET", "/ledger/subscriptions/{name}/parked", Ledger.parked, "access:admin"),
    Op("POST", "/ledger/subscriptions/{name}/retry", Ledger.retry, "access:admin"),
    Op("POST", "/ledger/subscriptions/{name}/replay", Ledger.replay, "access:admin"),
    Op("POST", "/ledger/subscriptions/{name}/deliveries/{event}", Ledger.redeliver, "access:admin"),
]
