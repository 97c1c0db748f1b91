"""The service that other tests start is a real one, knows its keys, and is gone afterwards."""

import json
import socket
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.engines.postgres import process_has_ended
from tests.engines.service import running_service


def test_a_started_service_answers_under_its_own_keys_and_ends(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        for key in (service.secret_key, service.publishable_key):
            assert _products(service.url, key) == []
    assert process_has_ended(service.process.pid)
    address = urlsplit(service.url)
    with pytest.raises(ConnectionRefusedError), socket.create_connection((str(address.hostname), address.port or 0)):
        pass


def _products(url: str, key: str) -> list[object]:
    request = urllib.request.Request(f"{url}/v1/products", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        items: list[object] = json.load(answer)["items"]
    return items
