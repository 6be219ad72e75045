"""What `forms` declares: each of its rooms brings its own."""

from __future__ import annotations

from toguna.engines.forms.openrosa import declared as openrosa
from toguna.engines.forms.web import declared as web
from toguna.engines.forms.xlsform import declared as xlsform
from toguna.kernel.manifest import Service

SERVICE = Service(name="forms", provides=(*web.PROVIDES, *openrosa.PROVIDES, *xlsform.PROVIDES))
