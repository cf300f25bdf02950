"""The operations of access."""

from __future__ import annotations

from ostinato.access.service import Access
from ostinato.kernel.operation import Op

NAME = "access"
SERVICE = Access

OPS: list[Op] = [
    Op("GET", "/access/whoami", Access.whoami, ""),
    Op("GET", "/access/projects", Access.projects, ""),
    Op("POST", "/access/projects/{name}", Access.create_project, "project:write"),
    Op("GET", "/access/roles", Access.roles, ""),
    Op("PUT", "/access/roles/{role}", Access.define_role, "access:admin"),
    Op("DELETE", "/access/roles/{role}", Access.drop_role, "access:admin"),
    Op("GET", "/access/actors", Access.actors, "access:read"),
    Op("POST", "/access/persons/{name}", Access.create_person, "access:admin"),
    Op("POST", "/access/services/{name}", Access.create_service, "access:admin"),
    Op("POST", "/access/actors/{actor}/disable", Access.disable, "access:admin"),
    Op("POST", "/access/actors/{actor}/enable", Access.enable, "access:admin"),
    Op("GET", "/access/bindings", Access.bindings, "access:read"),
    Op("PUT", "/access/actors/{actor}/roles/{role}", Access.grant, "access:admin"),
    Op("DELETE", "/access/actors/{actor}/roles/{role}", Access.revoke, "access:admin"),
    Op("GET", "/access/tokens", Access.tokens, ""),
    Op("POST", "/access/actors/{actor}/tokens", Access.issue_token, ""),
    Op("POST", "/access/tokens/{token}/rotate", Access.rotate_token, ""),
    Op("DELETE", "/access/tokens/{token}", Access.revoke_token, ""),
    Op("POST", "/access/actors/{actor}/codes", Access.issue_code, ""),
    Op("PUT", "/access/actors/{actor}/identity", Access.link_identity, "access:admin"),
    Op("DELETE", "/access/actors/{actor}/identity", Access.unlink_identity, ""),
    Op("GET", "/access/trusts", Access.trusts, "access:read"),
    Op("PUT", "/access/trusts/{trust}", Access.declare_trust, "access:admin"),
    Op("DELETE", "/access/trusts/{trust}", Access.drop_trust, "access:admin"),
    Op("GET", "/session", Access.session, ""),
    Op("GET", "/sessions", Access.sessions, ""),
    Op("DELETE", "/sessions/{session}", Access.end_session, ""),
]
