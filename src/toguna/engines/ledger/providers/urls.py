from django.urls import path

from toguna.engines.ledger.providers import callbacks, views

urlpatterns = [
    path("pay/", views.find, name="pay"),
    path("pay/callback/<slug:way>/<str:key>", callbacks.callback, name="pay-callback"),
    path("pay/request/<slug:code>", views.request_page, name="pay-request"),
    path("pay/<slug:reference>", views.pay, name="pay-bill"),
    path("desk/ledger/requests/", views.requests, name="desk-pay-requests"),
    path("desk/ledger/requests/<slug:code>", views.desk_request, name="desk-pay-request"),
    path("desk/ledger/reconciliation/", views.files, name="desk-settlements"),
    path("desk/ledger/reconciliation/<int:pk>", views.file, name="desk-settlement"),
]
