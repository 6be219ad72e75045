"""What messages would cost, before anybody says that they go out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from toguna.engines.channels import sms
from toguna.engines.channels.models import Route
from toguna.engines.channels.publish.actions import route_of


@dataclass(frozen=True)
class Cost:
    """messages; parts: that are billed; price: in the town's currency, of those whose route has one; seconds: at the routes' speed."""

    messages: int
    parts: int
    price: Decimal
    seconds: int


def sms_cost(texts: Iterable[tuple[str, str, int]]) -> Cost:
    """Of SMS: (the first digits of the number, the text, how many) of each kind. One statement."""
    routes = list(Route.objects.filter(enabled=True).order_by("order", "slug"))
    messages, parts, price, seconds = 0, 0, Decimal(0), {"": 0.0}
    for digits, words, count in texts:
        each = sms.size(sms.normalise(words)).parts
        messages += count
        parts += each * count
        route = route_of(routes, "sms", digits)
        if route is not None:
            price += route.price * each * count
            seconds[route.slug] = seconds.get(route.slug, 0.0) + each * count / max(route.rate, 0.001)
    return Cost(messages, parts, price.quantize(Decimal("0.01")), round(max(seconds.values())))
