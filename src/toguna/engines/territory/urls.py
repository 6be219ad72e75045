from django.urls import path

from toguna.engines.territory import ogc, search_views

urlpatterns = [
    path("ogc/", ogc.landing, name="ogc"),
    path("ogc/api", ogc.api, name="ogc-api"),
    path("ogc/conformance", ogc.conformance, name="ogc-conformance"),
    path("ogc/collections", ogc.collection_list, name="ogc-collections"),
    path("ogc/collections/<slug:name>", ogc.collection, name="ogc-collection"),
    path("ogc/collections/<slug:name>/items", ogc.items, name="ogc-items"),
    path("ogc/collections/<slug:name>/items/<int:pk>", ogc.item, name="ogc-item"),
    path("search", search_views.search, name="search"),
]
