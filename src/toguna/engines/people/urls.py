from allauth.account import views as allauth
from django.urls import include, path, re_path

from toguna.engines.people import desk_views, views

urlpatterns = [
    path("account/", views.account, name="account"),
    path("account/details", views.account_details, name="account-details"),
    path("account/mandates", views.account_mandates, name="account-mandates"),
    path("account/act", views.account_act, name="account-act"),
    path("account/data.json", views.account_data, name="account-data"),
    path("account/erase", views.account_erase, name="account-erase"),
    path("account/login", views.login, name="login"),
    path("account/login/who", views.login_who, name="login-who"),
    path("account/login/<uuid:challenge>", views.login_code, name="login-code"),
    path("account/logout", views.logout, name="logout"),
    path("account/staff", views.staff_login, name="staff-login"),
    # Of allauth, only what staff need: nobody signs up, e-mails are the administrator's.
    path("account/staff/login/", allauth.login, name="account_login"),
    path("account/staff/logout/", views.logout, name="account_logout"),
    path("account/staff/inactive/", allauth.account_inactive, name="account_inactive"),
    path("account/staff/reauthenticate/", allauth.reauthenticate, name="account_reauthenticate"),
    path("account/staff/password/", allauth.password_change, name="account_change_password"),
    path("account/staff/password/set/", allauth.password_set, name="account_set_password"),
    path("account/staff/reset/", allauth.password_reset, name="account_reset_password"),
    path("account/staff/reset/done/", allauth.password_reset_done, name="account_reset_password_done"),
    re_path(  # the key has hyphens of its own
        r"^account/staff/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "account/staff/reset/key/done/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("account/staff/2fa/", include("allauth.mfa.urls")),
    path("desk/people/", desk_views.people, name="people"),
    path("desk/people/<int:pk>/", desk_views.person, name="person"),
    path("desk/people/teams/", desk_views.team, name="teams"),
    path("desk/people/teams/<int:pk>/", desk_views.team, name="team"),
]
