from django.urls import path

from toguna.engines.assets import field_views, phone
from toguna.engines.assets.desk import orders, register, stores

urlpatterns = [
    path("a/", phone.begin, name="asset-phone"),
    path("a/app", field_views.app, name="asset-app"),
    path("a/me", field_views.me, name="asset-app-me"),
    path("a/day", field_views.day, name="asset-app-day"),
    path("a/sync", field_views.sync, name="asset-app-sync"),
    path("a/worker.js", field_views.worker, name="asset-app-worker"),
    path("a/manifest.webmanifest", field_views.manifest, name="asset-app-manifest"),
    path("a/<str:code>", phone.asset, name="asset-scan"),
    path("desk/assets/", register.assets, name="desk-assets"),
    path("desk/assets/new", register.edit, name="desk-asset-new"),
    path("desk/assets/labels.pdf", register.labels, name="desk-asset-labels"),
    path("desk/assets/register.csv", register.export, name="desk-asset-export"),
    path("desk/assets/import", register.bring, name="desk-asset-import"),
    path("desk/assets/orders/", orders.board, name="desk-asset-orders"),
    path("desk/assets/orders/<int:order>", orders.order, name="desk-asset-order"),
    path("desk/assets/fuel/", stores.fuel_page, name="desk-asset-fuel"),
    path("desk/assets/due/", stores.due, name="desk-asset-due"),
    path("desk/assets/parts/", stores.parts, name="desk-asset-parts"),
    path("desk/assets/at/<str:code>", register.asset, name="desk-asset"),
    path("desk/assets/at/<str:code>/edit", register.edit, name="desk-asset-edit"),
    path("desk/assets/at/<str:code>/act", register.act, name="desk-asset-act"),
]
