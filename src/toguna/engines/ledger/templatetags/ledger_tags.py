"""What the pages of the book show in a way of their own."""

from __future__ import annotations

from django import template

from toguna.engines.ledger.receipts.reads import way_title

register = template.Library()

register.filter("way", way_title)
