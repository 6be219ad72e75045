"""One settings file for every place: what differs comes from the home folder (`town.toml`, `secret`) or the environment.

Environment: TOGUNA_HOME (data folder), DATABASE_URL (a PostgreSQL of the town's own), TOGUNA_HOSTS (comma-separated host
names the site answers to), TOGUNA_HTTPS=1 (behind a TLS proxy: secure cookies, HSTS), TOGUNA_PROXY (addresses of proxies that are not
on this machine), TOGUNA_DEBUG=1 (developers only).
"""

from __future__ import annotations

import os
from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from toguna.kernel import cluster, places, registry, secret, town

HERE = Path(__file__).parent
HOME = places.home()
TOWN = town.current()

DEBUG = os.environ.get("TOGUNA_DEBUG") == "1"
HTTPS = os.environ.get("TOGUNA_HTTPS") == "1"
SECRET_KEY = secret.key()
ALLOWED_HOSTS = [h for h in os.environ.get("TOGUNA_HOSTS", "").split(",") if h] or [
    "127.0.0.1",
    "localhost",
    "[::1]",
    "testserver",
]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS] if HTTPS else []

INSTALLED_APPS = [
    "toguna.kernel",  # ours first: so are our templates, and our words for what others say too ("Change", "Save")
    *registry.rooms(),
    "toguna.site",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.gis",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",  # the templates of its widgets, for our form renderer
    "procrastinate.contrib.django",
    "pgtrigger",
    "pghistory",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pages on 2G; it pads at random, against BREACH
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "toguna.site.language.Language",
    "toguna.kernel.middleware.Weight",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "toguna.kernel.middleware.Gate",
]

# GDAL older than 3.9 may follow links inside a coordinate system: none that users send is given to this GDAL (imports are
# read by the newer one inside pyogrio).
SILENCED_SYSTEM_CHECKS = ["gis.W001"]
ROOT_URLCONF = "toguna.site.urls"
WSGI_APPLICATION = "toguna.site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "toguna.site.context.shell",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static", "toguna.site.templatetags.toguna"],
        },
    }
]
FORM_RENDERER = "toguna.site.forms.Renderer"

DATABASES = {"default": {**cluster.django_database(), "CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# In the database: what allauth remembers of guesses and used codes must hold over all processes and hosts.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "people_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # more than guessers can fill in the minutes that entries live
    }
}

AUTH_USER_MODEL = "people.Account"
TOGUNA_ACTOR = "toguna.engines.people.api.actor_of"
TOGUNA_TOO_MANY = "toguna.site.errors.too_many"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "staff-login"
LOGIN_REDIRECT_URL = "desk"
MFA_ADAPTER = "toguna.engines.people.staff.MFAAdapter"
ACCOUNT_ADAPTER = "toguna.engines.people.staff.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_NOTIFICATIONS = True  # whoever works for the town hears of each change of password or second factor
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
# Per account, never per address: a whole town hall, or a whole town, shares one. Passwords: see people/staff.py.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": "5/300s/key",
    "reset_password": "5/h/key",
    "reset_password_from_key": None,
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {"add_webauthn": "toguna.engines.people.forms.PasskeyForm"}
MFA_TOTP_TOLERANCE = 1  # a telephone's clock may be half a minute wrong, and typing on one takes time
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # browsers themselves allow passkeys on plain HTTP on localhost only
MFA_TOTP_ISSUER = f"Toguna {TOWN.name}"

SESSION_COOKIE_AGE = 60 * 60 * 12
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "toguna.site.errors.csrf_failure"
# MapLibre draws with a worker of its own and with images made in the page; nothing else comes from anywhere else.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "worker-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

LANGUAGE_CODE = TOWN.languages[0]
LANGUAGES = [
    (c, n) for c, n in (("fr", _("French")), ("pt", _("Portuguese")), ("en", _("English"))) if c in TOWN.languages
]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 60 * 60 * 24 * 365
USE_I18N = USE_TZ = True
TIME_ZONE = TOWN.time_zone

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [HERE / "static", *([("vendor", HERE / "vendor")] if (HERE / "vendor").is_dir() else [])]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": HOME / "media"}},
    "staticfiles": {"BACKEND": "toguna.site.staticstore.Storage"},
}
WHITENOISE_MAX_AGE = 3600
TOGUNA_URL = os.environ.get("TOGUNA_URL", "http://127.0.0.1:8000")  # what links in messages start with
MEDIA_ROOT = HOME / "media"  # never served as files: every photo goes through a view that checks access
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
# The heaviest body that is read, by the beginning of the path: files of the territory, else a form with three photos.
TOGUNA_HEAVIEST = (("/desk/", 310_000_000), ("/", 38_000_000))
TOGUNA_TOO_LARGE = "toguna.site.errors.too_heavy"
TOGUNA_UNMEASURED = "toguna.site.errors.unmeasured"
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "procrastinate": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
        "pyogrio": {"level": "WARNING"},
        "pikepdf": {"level": "WARNING"},
    },
}

# All mail goes through engines/channels: written down first, then sent by a worker to the server that the town gave.
EMAIL_BACKEND = "toguna.engines.channels.mail.Backend"
