from django.urls import path

from toguna.services.revenue.collecting import counter, desk_views, field_views, kiosk

urlpatterns = [
    path("collect/", field_views.app, name="collect"),
    path("collect/me", field_views.me, name="collect-me"),
    path("collect/day", field_views.load, name="collect-day"),
    path("collect/sync", field_views.sync, name="collect-sync"),
    path("collect/worker.js", field_views.worker, name="collect-worker"),
    path("collect/manifest.webmanifest", field_views.manifest, name="collect-manifest"),
    path("desk/collecting/", desk_views.live, name="desk-collecting"),
    path("desk/collecting/odd", desk_views.oddities, name="desk-collecting-odd"),
    path("desk/collecting/odd/<int:pk>", desk_views.look, name="desk-collecting-look"),
    path("desk/collecting/new", desk_views.new, name="desk-collector-new"),
    path("desk/collecting/<int:pk>", desk_views.collector, name="desk-collector"),
    path("desk/collecting/devices/<int:pk>/cut", desk_views.cut, name="desk-device-cut"),
    path("desk/counter/", counter.find, name="desk-counter"),
    path("desk/counter/<slug:number>", counter.taxpayer, name="desk-counter-taxpayer"),
    path("kiosk/", kiosk.screen, name="kiosk"),
]
