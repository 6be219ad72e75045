from django.urls import path

from toguna.engines.territory import desk_views, map_views, ogc, search_views, tiles
from toguna.engines.territory.routing import desk_views as closures

urlpatterns = [
    path("ogc/", ogc.landing, name="ogc"),
    path("ogc/api", ogc.api, name="ogc-api"),
    path("ogc/conformance", ogc.conformance, name="ogc-conformance"),
    path("ogc/collections", ogc.collection_list, name="ogc-collections"),
    path("ogc/collections/<slug:name>", ogc.collection, name="ogc-collection"),
    path("ogc/collections/<slug:name>/items", ogc.items, name="ogc-items"),
    path("ogc/collections/<slug:name>/items/<int:pk>", ogc.item, name="ogc-item"),
    path("tiles/<slug:name>/<int:z>/<int:x>/<int:y>.mvt", tiles.tile, name="tile"),
    path("map", map_views.page, name="map"),
    path("map/embed", map_views.embed, name="map-embed"),
    path("map/style.json", map_views.style, name="map-style"),
    path("map/closed-roads", closures.closed, name="closed-roads"),
    path("desk/territory/closures/", closures.index, name="desk-closures"),
    path("desk/territory/closures/<int:pk>/open", closures.open_again, name="desk-closure-open"),
    path("desk/territory/closures/confirm", closures.confirm, name="desk-closure-confirm"),
    path("search", search_views.search, name="search"),
    path("desk/territory/", desk_views.index, name="desk-territory"),
    path("desk/territory/import", desk_views.bring, name="desk-import"),
    path("desk/territory/analyse", desk_views.analyse, name="desk-analyse"),
    path("desk/territory/feature/<int:pk>", desk_views.feature, name="desk-feature"),
    path("desk/territory/<slug:slug>", desk_views.layer, name="desk-layer"),
    path("desk/territory/<slug:slug>/new", desk_views.new, name="desk-feature-new"),
    path("desk/territory/<slug:slug>/publish", desk_views.publish, name="desk-layer-publish"),
    path("desk/territory/<slug:slug>/export.<str:extension>", desk_views.export, name="desk-export"),
]
