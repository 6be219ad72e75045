"""The sender: takes messages from their table, hands each to the way out that it takes, writes what became of it.

One process does it (a lock in the database says which; others stand by). One thread talks to the database; each way has
threads of its own that talk to somebody's server and know nothing of the database. Only as many messages are taken as leave
in a moment, so that an alarm waits for no campaign, and so that a power cut leaves few of which nobody knows.
"""

from __future__ import annotations

import itertools
import logging
import queue as queues
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from django.utils import timezone

from toguna.engines.channels import sms
from toguna.engines.channels.gateway import queue, ways
from toguna.engines.channels.gateway.media import Busy, Doubtful, Outgoing, Sent, Unsendable
from toguna.engines.channels.gateway.queue import GIVE_UP, URGENT, Outcome, Source, Taken
from toguna.engines.channels.gateway.ways import Way
from toguna.engines.channels.models import Message, Publication, Route
from toguna.engines.channels.publish import texts
from toguna.engines.channels.settings import section
from toguna.kernel import town
from toguna.kernel.tasks import Lane

log = logging.getLogger("toguna.channels")

MOMENT = 0.25  # seconds of a way's rate that are taken at once
MOST_AT_ONCE = 2000
BREATH = 0.05  # seconds between rounds
LOOK_AGAIN = 2.0  # seconds until a place that was empty is looked at again, when nobody said that something came
FAILURES = 3  # in a row, then nothing is tried for a while
LOCK = 0x7093_0A01  # of the one sender
State = Message.State
RINGING = frozenset(["sms", "whatsapp", "telegram", "push"])  # these wake people up


def pause_after(tries: int) -> timedelta:
    """Until the next try: 5, 10, 20 ... seconds, 15 minutes at most."""
    return timedelta(seconds=min(900, 5 * 2 ** min(max(tries - 1, 0), 12)))


def down_for(failures: int) -> timedelta:
    """How long a way is left alone after that many failures in a row: 5 s, growing to 5 minutes."""
    return timedelta(seconds=min(300, 5 * 2 ** min(max(failures - FAILURES, 0), 12)))


def quiet_now(now: datetime) -> bool:
    """Whether it is night by town.toml: [quiet] from = "21:00", to = "07:00"."""
    hours = section("quiet")
    if not hours.get("from") or not hours.get("to"):
        return False
    here = now.astimezone(ZoneInfo(town.current().time_zone)).strftime("%H:%M")
    start, end = str(hours["from"]).zfill(5), str(hours["to"]).zfill(5)
    return start <= here < end if start <= end else here >= start or here < end


class Tap:
    """Lets `rate` units a second through, after some at once. One for all threads of a way."""

    def __init__(self, rate: float) -> None:
        self.rate, self.lock, self._free = rate, threading.Lock(), time.monotonic()

    def wait(self, stop: threading.Event) -> None:
        """Until one more may go. With the lock held."""
        now = time.monotonic()
        self._free = max(self._free, now - min(1.0, max(10 / self.rate, 0.05)))
        if self._free > now:
            stop.wait(self._free - now)

    def count(self, units: int) -> None:
        self._free += units / self.rate


@dataclass
class Result:
    """What an adapter said of one."""

    message: Outgoing
    taken: Taken
    price: Decimal
    way: Way
    sent: Sent | None = None
    error: Exception | None = None


Item = tuple[int, int, "Outgoing | None", "Taken | None", Decimal]


class Line:
    """One way with its threads: the most urgent of what was given to it goes first."""

    def __init__(self, way: Way, results: queues.SimpleQueue[Result], done: Callable[[], None]) -> None:
        self.way, self._results, self._done = way, results, done
        self._waiting: queues.PriorityQueue[Item] = queues.PriorityQueue()
        self._number = itertools.count()
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self.tap = Tap(way.rate)
        self._under_way = [0, 0]  # given and not yet answered for, of a campaign and urgent; the pump's own count

    @property
    def under_way(self) -> int:
        return sum(self._under_way)

    def room(self, lane: int) -> int:
        """How many may be given to it now: none until a fifth has left, so that a fast way is given many at once and never
        runs dry. What is urgent has its own room: a campaign never fills it."""
        most = max(1, min(MOST_AT_ONCE, int(self.way.rate * MOMENT) + 1))
        room = most - self._under_way[lane > Lane.CAMPAIGN]
        return room if 5 * room >= most else 0

    def count(self, message: Outgoing, change: int) -> None:
        self._under_way[message.lane > Lane.CAMPAIGN] += change

    def give(self, message: Outgoing, taken: Taken, price: Decimal) -> None:
        self.count(message, 1)
        self._waiting.put((-message.lane, next(self._number), message, taken, price))
        wanted = min(self.way.adapter.connections, self.under_way)
        while len(self._threads) < wanted:
            thread = threading.Thread(target=self._work, name=f"out-{self.way.slug}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def take_back(self) -> list[tuple[Outgoing, Taken, Decimal]]:
        """What no thread has begun with."""
        found: list[tuple[Outgoing, Taken, Decimal]] = []
        while True:
            try:
                _lane, _number, message, taken, price = self._waiting.get_nowait()
            except queues.Empty:
                return found
            if message is not None and taken is not None:
                found.append((message, taken, price))
                self.count(message, -1)

    def end(self) -> None:
        self._stop.set()
        for _thread in self._threads:
            self._waiting.put((1, next(self._number), None, None, Decimal(0)))

    def join(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while True:
            with self.tap.lock:  # chosen at the last moment: an alarm that comes meanwhile is the next
                self.tap.wait(self._stop)
                _lane, _number, message, taken, price = self._waiting.get()
                if message is None or taken is None:
                    return
                self.tap.count(message.parts)
            result = Result(message, taken, price, self.way)
            try:
                result.sent = self.way.adapter.deliver(message)
            except Exception as error:
                result.error = error
            self._results.put(result)
            if self._waiting.qsize() in (0, self.way.adapter.connections):  # (nearly) nothing left to do
                self._done()


@dataclass
class _Caches:
    """Read again from time to time, not for each message."""

    ways: list[Way] = field(default_factory=list)
    until: float = 0.0
    cuts: dict[tuple[int, str, str], texts.Cut | texts.DoesNotFit] = field(default_factory=dict)
    publications: dict[int, Publication] = field(default_factory=dict)


class Pump:
    """`step()` is one round; `run()` goes round until stopped."""

    def __init__(self) -> None:
        self._results: queues.SimpleQueue[Result] = queues.SimpleQueue()
        self._unsettled: list[Result] = []
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._lines: dict[str, Line] = {}
        self._cache = _Caches()
        self._empty: dict[
            tuple[Source, str, str], tuple[float, float]
        ] = {}  # where there was nothing: until when, how long
        self._locked = False
        self._quiet: tuple[float, bool] = (0.0, False)
        self._swept = 0.0

    # ------------------------------------------------------------------ rounds

    def run(self) -> None:
        """Until `stop()`. The database may go away and come back."""
        listener = threading.Thread(target=self._listen, name="listen", daemon=True)
        listener.start()
        while not self._stop.is_set():
            try:
                if not (self._locked or self._mine()):
                    self._stop.wait(2)
                    continue
                moved = self.step()
            except (DatabaseError, InterfaceError) as error:
                log.warning("the sender waits for the database: %s", error)
                self._locked = False
                close_old_connections()
                self._stop.wait(1)
                continue
            if moved:
                self._wake.wait(BREATH)  # so that a round does some dozens, not one
            else:
                self._wake.wait(0.5)
            self._wake.clear()
        self._finish()

    def run_once(self, seconds: float = 60.0) -> None:
        """All that can leave now, then returns."""
        until = time.monotonic() + seconds
        idle = 0
        while time.monotonic() < until and idle < 2:
            self._empty.clear()
            moved = self.step()
            idle = 0 if moved or any(line.under_way for line in self._lines.values()) else idle + 1
            if moved or not idle:
                self._wake.wait(BREATH)
                self._wake.clear()
        self._finish()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def wake(self) -> None:
        """Something may be there to send. A publication's own rows come at once: it is not looked through again for each."""
        for place in list(self._empty):
            if place[0].publication is None:
                self._empty.pop(place, None)
        self._wake.set()

    def step(self) -> bool:
        """One round. Whether anything was done."""
        settled = self._settle()
        now = time.monotonic()
        if now - self._swept > 30:
            self._swept = now
            queue.recover()
            queue.expire()
        return self._fill() or settled

    def _mine(self) -> bool:
        """Whether this process is the one that sends: the lock goes with the connection, so it is asked for each time."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND pid = pg_backend_pid()"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) OR pg_try_advisory_lock(%s)",
                [LOCK, LOCK],
            )
            self._locked = bool(cursor.fetchone()[0])
        return self._locked

    def _listen(self) -> None:
        """Wakes the pump when something was queued. Without it, messages leave all the same, a little later."""
        while not self._stop.is_set():
            try:
                with connection.cursor() as cursor:
                    cursor.execute("LISTEN toguna_messages")
                raw: Any = connection.connection
                while not self._stop.is_set():
                    for _notice in raw.notifies(timeout=1.0, stop_after=1):
                        self.wake()
            except Exception as error:
                log.debug("listening again: %s", error)
                connection.close()
                self._stop.wait(1)
        connection.close()

    def _finish(self) -> None:
        """Gives back what nobody began with, waits for what is under way, writes it down."""
        for line in self._lines.values():
            self._give_back(line)
            line.end()
        for line in self._lines.values():
            line.join(25)
        self._settle()
        self._lines.clear()

    # ------------------------------------------------------------------ taking

    def _ways(self) -> list[Way]:
        now = time.monotonic()
        if now >= self._cache.until:
            before = {way.slug: way for way in self._cache.ways}
            self._cache.ways, self._cache.until = ways.read(), now + 2.0
            for way in self._cache.ways:
                if way.id is None and way.slug in before:  # how it fares is kept in no row
                    way.failures, way.down_until = before[way.slug].failures, before[way.slug].down_until
            self._cache.publications.clear()
        return self._cache.ways

    def _line(self, way: Way) -> Line:
        line = self._lines.get(way.slug)
        if line is None:
            line = self._lines[way.slug] = Line(way, self._results, self._wake.set)
        elif line.way is not way:  # read again: what was changed holds for what is given from now on
            line.way = way
            line.tap.rate = way.rate
        return line

    def _fill(self) -> bool:
        """Gives each way as much as it has room for, the most urgent first."""
        found = self._ways()
        now, moment = time.monotonic(), timezone.now()
        if now - self._quiet[0] > 5:
            self._quiet = (now, quiet_now(moment))
        usable: dict[str, list[Way]] = {}
        for way in found:
            if way.usable(moment):
                usable.setdefault(way.medium, []).append(way)
        moved = False
        sources = queue.sources()
        for place in [place for place in self._empty if place[0] not in sources]:
            del self._empty[place]
        for source in sources:
            for medium, here in usable.items():
                if source.media is not None and medium not in source.media:
                    continue
                areas = ways.areas(here)
                for way in here:
                    moved |= self._from(source, way, ways.condition(areas[way.slug]))
            moved |= self._without_way(source, found)
            moved |= self._without_medium(source, found)
        return moved

    def _looked(self, place: tuple[Source, str, str], found: int, wanted: int) -> None:
        """Where less was found than asked for, nothing more waits: it is looked at again later and later, since looking
        through a million rows for none takes time."""
        if found < wanted:
            _until, before = self._empty.get(place, (0.0, 0.0))
            most = 60.0 if place[0].publication is not None and place[0].lane < Lane.ALARM else LOOK_AGAIN
            pause = LOOK_AGAIN if found else min(most, max(LOOK_AGAIN, 2 * before))
            self._empty[place] = (time.monotonic() + pause, pause)
        else:
            self._empty.pop(place, None)

    def _nothing_at(self, place: tuple[Source, str, str]) -> bool:
        return self._empty.get(place, (0.0, 0.0))[0] > time.monotonic()

    def _from(self, source: Source, way: Way, where: tuple[str, list[Any]]) -> bool:
        line, place = self._line(way), (source, way.medium, way.slug)
        room = line.room(source.lane)
        if room <= 0 or where[0] == "FALSE" or self._nothing_at(place):
            return False
        quiet = self._quiet[1] and way.medium in RINGING and source.lane < URGENT
        if quiet and source.publication is not None:
            return False
        with transaction.atomic():
            left = None if way.cap is None or way.id is None else way.cap - queue.spent(way.id)
            if left is not None and way.price > 0:
                room = min(room, int(left // way.price))
                if room <= 0:
                    self._capped(way)
                    return False
            rows = queue.take(source, way.medium, where, room, route=way.id, quiet=quiet)
            given, outcomes = self._ready(rows, way, left)
            queue.settle(outcomes)
            if way.id is not None and given:
                parts = sum(message.parts for message, _taken, _price in given)
                queue.charge(way.id, len(given), parts, sum((price for _m, _t, price in given), Decimal(0)))
        self._looked(place, len(rows), room)
        for message, taken, price in given:
            line.give(message, taken, price)
        return bool(rows)

    def _ready(
        self, rows: list[Taken], way: Way, left: Decimal | None
    ) -> tuple[list[tuple[Outgoing, Taken, Decimal]], list[Outcome]]:
        """What is given to the way, with its price; and what is not, and why."""
        given, outcomes = [], []
        stopped, now = queue.stopped(rows), timezone.now()
        for row in rows:
            if row.id in stopped:
                outcomes.append(Outcome(row.id, State.CANCELLED, error="asked for no news"))
            elif row.lane == Lane.ONE_TIME_CODE and now - row.created > queue.CODE_GOOD_FOR:
                outcomes.append(Outcome(row.id, State.FAILED, error="too late for a code"))
            else:
                try:
                    message = self._outgoing(row, way)
                except Unsendable as refusal:
                    outcomes.append(Outcome(row.id, State.FAILED, error=str(refusal)))
                    continue
                price = way.price * message.parts
                if left is not None and price > left:
                    again = now + timedelta(seconds=30)
                    outcomes.append(Outcome(row.id, State.QUEUED, due=again, taken_back=True, error="cap of the day"))
                    continue
                left = None if left is None else left - price
                given.append((message, row, price))
        return given, outcomes

    def _outgoing(self, row: Taken, way: Way) -> Outgoing:
        """The message with its words. Raises Unsendable when there are none that may be sent."""
        subject, text, parts = row.subject, row.text, 1
        if row.publication is not None and not text:
            cut = self._cut(row.publication, row.medium, row.language)
            subject, text, parts = cut.title, cut.text, cut.parts
        elif row.medium == "sms":
            size = sms.size(text)
            if size.alphabet != "GSM" and row.lane <= Lane.CAMPAIGN:
                raise Unsendable("this text needs UCS-2, at more than twice the price, and nobody allowed it")
            parts = size.parts
        if not text:
            raise Unsendable("there are no words to send")
        return Outgoing(
            row.id, row.key, row.medium, row.address, text, subject, row.language, row.lane, parts, row.publication,
            way.slug, way.settings,
        )  # fmt: skip

    def _cut(self, pk: int, medium: str, language: str) -> texts.Cut:
        if (publication := self._cache.publications.get(pk)) is None:
            publication = self._cache.publications[pk] = Publication.objects.get(pk=pk)
            for key in [key for key in self._cache.cuts if key[0] == pk]:
                del self._cache.cuts[key]
        key = (pk, medium, language)
        if key not in self._cache.cuts:
            try:
                allowed = bool(publication.audience.get("unicode"))
                self._cache.cuts[key] = texts.fitted(publication, medium, language, unicode_allowed=allowed)
            except texts.DoesNotFit as error:
                self._cache.cuts[key] = error
        found = self._cache.cuts[key]
        if isinstance(found, texts.DoesNotFit):
            raise Unsendable(str(found))
        return found

    def _capped(self, way: Way) -> None:
        """The day's money is spent: other ways take over until midnight, or until the cap is raised."""
        way.down_until = timezone.now() + timedelta(seconds=30)

    def _without_way(self, source: Source, found: list[Way]) -> bool:
        """Numbers that no route leads to, by their prefix: said at once, not after days."""
        moved = False
        for medium, prefixes in ways.without_way(found).items():
            place = (source, medium, "-nowhere")
            if self._nothing_at(place) or (source.media is not None and medium not in source.media):
                continue
            where = ("NOT address LIKE ANY(%s::text[])", [[f"{p}%" for p in prefixes]])
            with transaction.atomic():
                rows = queue.take(source, medium, where, MOST_AT_ONCE, route=None, quiet=False)
                error = "no route leads to this number: add one for its prefix, or one for all"
                queue.settle([Outcome(row.id, State.FAILED, error=error) for row in rows])
            self._looked(place, len(rows), MOST_AT_ONCE)
            moved |= bool(rows)
        return moved

    def _without_medium(self, source: Source, found: list[Way]) -> bool:
        """Media for which the town has set up nothing: the log is where the IT person sees the message."""
        place = (source, "", "-shown")
        known = sorted({way.medium for way in found})
        if self._nothing_at(place) or (source.media is not None and set(source.media) <= set(known)):
            return False
        with connection.cursor() as cursor:
            of = "IS NULL" if source.publication is None else "= %s"
            cursor.execute(
                f"SELECT DISTINCT medium FROM (SELECT medium FROM channels_message WHERE state = 'queued' AND lane = %s AND "
                f"publication_id {of} AND due <= statement_timestamp() AND NOT medium = ANY(%s::text[]) LIMIT 1000) waiting",
                [source.lane, *([] if source.publication is None else [source.publication]), known],
            )
            media = [medium for (medium,) in cursor.fetchall()]
        console = ways.CONSOLE
        moved = False
        for medium in media:
            way = Way("-shown", medium, console)
            with transaction.atomic():
                rows = queue.take(source, medium, ("TRUE", []), MOST_AT_ONCE, route=None, quiet=False)
                given, outcomes = self._ready(rows, way, None)
                for message, _row, _price in given:
                    console.deliver(message)
                    outcomes.append(Outcome(message.id, State.SHOWN, parts=message.parts))
                queue.settle(outcomes)
            moved |= bool(rows)
        if not media:
            self._looked(place, 0, 1)
        return moved

    # ------------------------------------------------------------------ writing down

    def _give_back(self, line: Line) -> None:
        """What was taken for this way and not begun with waits again, for it or for another."""
        back = line.take_back()
        queue.settle(
            [
                Outcome(m.id, State.QUEUED, route=line.way.id, parts=m.parts, price=price, taken_back=True)
                for m, _taken, price in back
            ]
        )
        if back:
            self._empty.clear()

    def _settle(self) -> bool:
        """Writes what became of those that came back; kept in memory until the database has them."""
        while True:
            try:
                self._unsettled.append(self._results.get_nowait())
            except queues.Empty:
                break
        if not self._unsettled:
            return False
        done = list(self._unsettled)
        queue.settle([self._outcome(result) for result in done])
        del self._unsettled[: len(done)]
        for result in done:
            self._lines[result.way.slug].count(result.message, -1)
        by_way: dict[str, list[Result]] = {}
        for result in done:
            by_way.setdefault(result.way.slug, []).append(result)
        for slug, results in by_way.items():
            self._health(self._lines[slug], results)
        return True

    def _outcome(self, result: Result) -> Outcome:
        message, taken, error = result.message, result.taken, result.error
        common: dict[str, Any] = {"parts": message.parts, "price": result.price, "route": result.way.id}
        now = timezone.now()
        if result.sent is not None:
            state = State.SHOWN if result.sent.shown else State.SENT
            return Outcome(message.id, state, reference=result.sent.reference, **common)
        if isinstance(error, Unsendable):
            log.warning("message %s is given up: %s", message.key, error)
            return Outcome(message.id, State.FAILED, error=str(error), **common)
        if isinstance(error, Busy | ConnectionRefusedError):
            if now - taken.created > GIVE_UP and message.publication is None:
                return Outcome(message.id, State.FAILED, error=_words(error), **common)
            wait = pause_after(taken.tries)
            if isinstance(error, Busy) and error.after is not None:
                wait = timedelta(seconds=min(3600.0, max(0.0, error.after)))
            elif message.lane >= URGENT:
                wait = min(wait, timedelta(seconds=5))
            return Outcome(message.id, State.QUEUED, error=_words(error), due=now + wait, **common)
        # Nobody knows whether it left.
        if message.lane >= URGENT and taken.tries <= queue.MOST_AGAIN:
            return Outcome(message.id, State.QUEUED, error=_words(error), due=now + timedelta(seconds=5), **common)
        if not isinstance(error, Doubtful):
            log.error("message %s is doubtful", message.key, exc_info=error)
        return Outcome(message.id, State.DOUBTFUL, error=_words(error), **common)

    def _health(self, line: Line, results: list[Result]) -> None:
        """The breaker: after some failures in a row a way is left alone, longer and longer, and others take over."""
        way, failures, trouble = line.way, line.way.failures, ""
        for result in results:
            error = result.error
            if error is None or isinstance(error, Unsendable) or (isinstance(error, Busy) and not error.route_down):
                failures, trouble = 0, ""
            else:
                failures, trouble = failures + 1, _words(error)
        if failures == way.failures == 0:
            return
        self._cache.until = 0.0
        way.failures = min(failures, 1000)
        way.down_until = timezone.now() + down_for(failures) if failures >= FAILURES else None
        if way.id is not None:
            Route.objects.filter(pk=way.id).update(
                failures=way.failures, down_until=way.down_until, trouble=trouble[:300]
            )
        if way.down_until is not None:
            log.warning("%s is left alone until %s: %s", way.slug, way.down_until.isoformat("T", "seconds"), trouble)
            self._give_back(line)


def _words(error: Exception | None) -> str:
    known = isinstance(error, Unsendable | Busy | Doubtful) and str(error)
    return (str(error) if known else f"{type(error).__name__}: {error}")[:300]
