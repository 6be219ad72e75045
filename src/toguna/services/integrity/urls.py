from django.urls import path

from toguna.services.integrity import desk, views

urlpatterns = [
    path("integrity", views.integrity, name="integrity"),
    path("integrity/back", views.integrity_case, name="integrity-back"),
    path("integrity/<str:code>", views.integrity_case, name="integrity-case"),
    path("desk/integrity/", desk.alerts, name="desk-alerts"),
    path("desk/integrity/<str:code>", desk.alert, name="desk-alert"),
    path("desk/integrity/<str:code>/act", desk.act, name="desk-alert-act"),
]
