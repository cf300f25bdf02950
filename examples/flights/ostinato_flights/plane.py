"""A plain client of an endpoint: the Open Inference Protocol, version 2, over one kept connection."""

from __future__ import annotations

import http.client
import json
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

RETRY_FOR_S = 60.0


class Plane:
    """Asks an endpoint one request at a time; a request that gets no answer is sent again under the same id."""

    def __init__(self, url: str, model: str, key: str) -> None:
        self._host = urlsplit(url).netloc
        self._path = f"/v2/models/{model}/infer"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def score(self, request_id: str, at: datetime, row: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """The status and the answer for one row, `request_id` being its key too; what is unknown is None."""
        inputs = [
            {"name": name, "shape": [1], "datatype": "BYTES" if isinstance(value, str) else "FP64", "data": [value]}
            for name, value in row.items()
        ]
        body = json.dumps({"id": request_id, "parameters": {"key": request_id, "at": at.isoformat()}, "inputs": inputs})
        deadline = time.monotonic() + RETRY_FOR_S
        while True:
            try:
                return self._post(body)
            except (OSError, http.client.HTTPException):
                self._connection = None
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _post(self, body: str) -> tuple[int, dict[str, Any]]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, timeout=10)
        self._connection.request("POST", self._path, body, self._headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())
