from django.urls import path

from toguna.services.waste.bins import desk as bins
from toguna.services.waste.rounds import crew, desk, views

urlpatterns = [
    path("truck", views.truck, name="truck-comes"),
    path("truck/<str:code>", views.at_place, name="truck-comes-place"),
    path("rounds/app", crew.app, name="rounds-app"),
    path("rounds/me", crew.me, name="rounds-me"),
    path("rounds/day", crew.day, name="rounds-day"),
    path("rounds/sync", crew.sync, name="rounds-sync"),
    path("rounds/photo", crew.photo, name="rounds-photo"),
    path("rounds/worker.js", crew.worker, name="rounds-worker"),
    path("rounds/manifest.webmanifest", crew.manifest, name="rounds-manifest"),
    path("desk/rounds/", desk.rounds, name="desk-rounds"),
    path("desk/rounds/evening", desk.every_evening, name="desk-rounds-evening"),
    path("desk/rounds/now", desk.board, name="desk-rounds-board"),
    path("desk/rounds/trucks", desk.trucks, name="desk-trucks"),
    path("desk/rounds/trucks/new", desk.truck, name="desk-truck-new"),
    path("desk/rounds/trucks/<int:truck>", desk.truck, name="desk-truck"),
    path("desk/rounds/trucks/<int:truck>/present", desk.present, name="desk-truck-present"),
    path("desk/rounds/<int:plan>", desk.plan, name="desk-rounds-plan"),
    path("desk/rounds/<int:plan>/act", desk.act, name="desk-rounds-act"),
    path("desk/bins/", bins.bins, name="desk-bins"),
    path("desk/bins/<str:code>", bins.bin_, name="desk-bin"),
]
