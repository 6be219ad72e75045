from django.urls import path

from toguna.engines.forms.field import views

urlpatterns = [
    path("field/forms", views.app, name="field-forms"),
    path("field/forms/me", views.me, name="field-forms-me"),
    path("field/forms/package", views.load, name="field-forms-package"),
    path("field/forms/sync", views.sync, name="field-forms-sync"),
    path("field/forms/file", views.file, name="field-forms-file"),
    path("field/forms/worker.js", views.worker, name="field-forms-worker"),
    path("field/forms/manifest.webmanifest", views.manifest, name="field-forms-manifest"),
]
