"""The operations of access."""

from __future__ import annotations

from ostinato.access.service import Access
from ostinato.kernel.operation import Op

NAME = "access"
SERVICE = Access

OPS: list[Op] = [
    Op("GET", "/access/whoami", Access.whoami, ""),
    Op("GET", "/access/roles", Access.roles, ""),
    Op("GET", "/access/projects", Access.projects, ""),
    Op("POST", "/access/projects/{name}", Access.create_project, "project:write"),
    Op("GET", "/access/actors", Access.actors, "access:read"),
    Op("POST", "/access/persons/{name}", Access.create_person, "access:admin"),
    Op("POST", "/access/services/{name}", Access.create_service, "access:admin"),
    Op("POST", "/access/actors/{actor}/disable", Access.disable, "access:admin"),
    Op("POST", "/access/actors/{actor}/enable", Access.enable, "access:admin"),
    Op("GET", "/access/bindings", Access.bindings, "access:read"),
    Op("PUT", "/access/actors/{actor}/roles/{role}", Access.grant, "access:admin"),
    Op("DELETE", "/access/actors/{actor}/roles/{role}", Access.revoke, "access:admin"),
    Op("GET", "/access/tokens", Access.tokens, "access:read"),
    Op("POST", "/access/actors/{actor}/tokens", Access.issue_token, "access:admin"),
    Op("DELETE", "/access/tokens/{token}", Access.revoke_token, "access:admin"),
]
