"""`{% push_offer as push %}`: what the button for notices in the browser needs, on any page."""

from __future__ import annotations

from django import template

from toguna.engines.channels.post import push

register = template.Library()


@register.simple_tag
def push_offer() -> dict[str, str]:
    return push.offer()
