"""Where providers tell us things: kept word for word, checked where they sign, answered at once, and believed in nothing but that
it is time to ask. The address itself is a secret, of one payment or of the way."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.providers import arrivals, following, records, ways
from toguna.engines.ledger.providers.port import Call, Forged, Hint
from toguna.kernel import limits
from toguna.kernel.web import public

LARGEST = 64_000  # bytes
MOST = 6_000  # calls a minute by one address


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST", "PUT"])
def callback(request: HttpRequest, way: str, key: str) -> HttpResponse:
    code = ways.read_key(way, key)
    if code is None or int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        raise Http404
    try:
        found = ways.find(way)
    except ways.Unset:
        raise Http404 from None
    if request.method in ("GET", "HEAD"):
        return HttpResponse("ok", content_type="text/plain")  # CinetPay tries whether somebody is there
    limits.hit("ledger.callback", f"{way}:{code}", at_most=MOST if code == ways.EVERY else 60, per=timedelta(minutes=1))
    call = Call(request.method or "", {k.lower(): v for k, v in request.headers.items()}, request.body, timezone.now())
    row = PaymentRequest.objects.filter(way=way, code=code).first()
    if found.provider.hint is None:
        raise Http404
    status, genuine, understood = 200, None, False
    try:
        hint = found.provider.hint(call, found.given)
        row = row or _named(way, hint)
        # While Orange has not answered yet, its token is not known to us: such a call is too early, not wrong.
        early = row is not None and not row.secret
        if hint.secret is not None and not early and not (row and constant_time_compare(hint.secret, row.secret)):
            raise Forged("it does not repeat our secret")
        genuine, understood = (None if early and hint.secret is not None else True), True
    except Forged:
        hint, status, genuine = Hint(), 403, False
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        hint = Hint()  # genuine or not, it says nothing that is published; an error would bring it again for days
    with transaction.atomic():
        records.keep_call(found, row, f"{request.method} {way}", call.body, genuine)
        if understood and hint.arrived:
            arrivals.told(found, hint, call.at)
        elif understood and row is not None:
            _note(row, hint)
            following.hinted(row)
    if status != 200:
        return HttpResponse("signature", status=status, content_type="text/plain")
    return HttpResponse(
        found.provider.answer, content_type="application/json" if found.provider.answer else "text/plain"
    )


callback = public(callback)


def _named(way: str, hint: Hint) -> PaymentRequest | None:
    rows = PaymentRequest.objects.filter(way=way)
    if hint.theirs and (row := rows.filter(theirs=hint.theirs).first()):
        return row
    return rows.filter(code=hint.reference).first() if hint.reference else None


def _note(row: PaymentRequest, hint: Hint) -> None:
    """What only the callback tells. It is used once the provider has said, asked by that name, that it is paid."""
    kept = PaymentRequest.objects.select_for_update().get(pk=row.pk)
    if kept.theirs and hint.theirs and kept.theirs != hint.theirs:
        return  # of another attempt
    changed = []
    if hint.theirs and not kept.theirs:
        kept.theirs = hint.theirs
        changed.append("theirs")
    if hint.amount is not None and kept.heard is None and kept.paid is None:
        kept.heard = hint.amount
        changed.append("heard")
    if hint.transaction and kept.transaction in ("", kept.theirs):
        kept.transaction = hint.transaction
        changed.append("transaction")
    if changed:
        try:
            with transaction.atomic():
                kept.save(update_fields=changed)
        except IntegrityError:  # the same name for two payments: the one that had it first keeps it
            return
