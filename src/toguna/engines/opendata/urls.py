from django.urls import path, re_path

from toguna.engines.opendata import views

urlpatterns = [
    path("data/", views.index, name="data"),
    path("data/catalog.jsonld", views.dcat, name="data-catalog"),
    re_path(r"^data/(?P<name>[a-z0-9_-]+)\.(?P<extension>[a-z.]+)$", views.download, name="data-download"),
    path("data/<slug:name>", views.page, name="data-page"),
]
