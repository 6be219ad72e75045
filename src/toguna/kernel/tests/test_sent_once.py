"""A form that is sent twice at once is seen one by one."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from toguna.kernel.middleware import Gate
from toguna.kernel.web import public


def met(sent: tuple[dict[str, str], dict[str, str]], seconds: float, **marks: Any) -> bool:
    """Whether two requests were inside the view at the same time."""
    both, found = threading.Barrier(2), []

    @public
    def view(request: HttpRequest) -> HttpResponse:
        try:
            both.wait(seconds)
            found.append(True)
        except threading.BrokenBarrierError:
            found.append(False)
        return HttpResponse()

    for name, value in marks.items():
        setattr(view, name, value)

    def through(request: HttpRequest) -> HttpResponse:
        assert gate.process_view(request, view, (), {}) is None
        return view(request)

    def send(form: dict[str, str]) -> None:
        try:
            gate(RequestFactory().post("/", form))
        finally:
            connection.close()

    gate = Gate(through)
    threads = [threading.Thread(target=send, args=(form,)) for form in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2 and len(set(found)) == 1
    return found[0]


@pytest.mark.django_db(transaction=True)
def test_the_second_waits_until_the_first_is_answered():
    assert not met(({"client_id": "a"}, {"client_id": "a"}), 0.5)
    assert met(({"client_id": "a"}, {"client_id": "b"}), 60), "others do not wait"
    assert met(({"key": "a"}, {"key": "a"}), 60), "nor what has no number of its sender"
    assert met(({"client_id": "a"}, {"client_id": "a"}), 60, csrf_exempt=True), "nor programs, who have keys"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")  # fmt: skip
        assert cursor.fetchone() == (0,), "nothing stays locked"


@pytest.mark.django_db
def test_a_fault_lets_go_too():
    def breaks(request: HttpRequest) -> HttpResponse:
        gate.process_view(request, public(lambda request: HttpResponse()), (), {})
        raise ZeroDivisionError

    gate = Gate(breaks)
    with pytest.raises(ZeroDivisionError):
        gate(RequestFactory().post("/", {"client_id": "a"}))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)
