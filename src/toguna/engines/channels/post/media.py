"""All that this room declares."""

from __future__ import annotations

from datetime import timedelta

from toguna.engines.channels.post import facebook, imap, keeping, mail_out, mastodon, push, telegram, whatsapp
from toguna.engines.people.api import Erasure, PersonalData
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Urls

DECLARED: tuple[Declaration, ...] = (
    mail_out.EMAIL,
    push.PUSH,
    mastodon.MASTODON,
    whatsapp.WHATSAPP,
    whatsapp.HOOK,
    whatsapp.FETCHER,
    telegram.TELEGRAM,
    telegram.HOOK,
    telegram.FETCHER,
    facebook.FACEBOOK,
    facebook.HOOK,
    facebook.FETCHER,
    Periodic("mailbox", timedelta(minutes=1), imap.poll_quietly),
    Periodic("social", timedelta(minutes=1), mastodon.post_new),
    Periodic("forget-letters", timedelta(days=1), keeping.forget_old),
    PersonalData("letters", keeping.export),
    Erasure("letters", keeping.erase),
    Urls("channels-post", "", "toguna.engines.channels.post.urls"),
)
