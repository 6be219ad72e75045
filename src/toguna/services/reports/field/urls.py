from django.urls import path

from toguna.services.reports.field import views

urlpatterns = [
    path("", views.rounds, name="field"),
    path("app", views.app, name="field-app"),
    path("me", views.me, name="field-me"),
    path("day", views.load, name="field-day"),
    path("sync", views.sync, name="field-sync"),
    path("photo", views.photo, name="field-photo"),
    path("worker.js", views.worker, name="field-worker"),
    path("manifest.webmanifest", views.manifest, name="field-manifest"),
]
