from django.urls import path

from toguna.services.reports.drafts import views

urlpatterns = [
    path("worker.js", views.worker, name="report-worker"),
    path("<uuid:client_id>", views.known, name="report-known"),
]
