"""The web process: `granian --interface wsgi toguna.site.wsgi:application`.

Who calls is who called the proxy, where one of ours stands before us: limits for each address would else be one limit for the whole
town. Only a proxy on this machine is believed, or those that TOGUNA_PROXY names; from anywhere else the header is a claim.
"""

import os

from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "toguna.site.settings")
PROXIES = ["127.0.0.1", "::1", *filter(None, os.environ.get("TOGUNA_PROXY", "").split(","))]
application = wrap_wsgi_with_proxy_headers(get_wsgi_application(), PROXIES)
