from django.urls import path

from toguna.services.revenue.register import census_views, import_views, views

urlpatterns = [
    path("desk/register/", views.register, name="desk-taxpayers"),
    path("desk/register/new", views.new, name="desk-taxpayer-new"),
    path("desk/register/same", views.same, name="desk-register-same"),
    path("desk/register/imports/", import_views.imports, name="desk-register-imports"),
    path("desk/register/imports/<int:pk>", import_views.run, name="desk-register-import"),
    path("desk/register/imports/<int:pk>/act", import_views.act, name="desk-register-import-act"),
    path("desk/register/thing/<slug:code>", views.thing, name="desk-taxed"),
    path("desk/register/thing/<slug:code>/photo.jpg", census_views.shown_photo, name="desk-taxed-photo"),
    path("desk/register/thing/<slug:code>/edit", views.edit_thing, name="desk-taxed-edit"),
    path("desk/register/thing/<slug:code>/act", views.act, name="desk-taxed-act"),
    path("desk/register/<slug:number>", views.taxpayer, name="desk-taxpayer"),
    path("desk/register/<slug:number>/edit", views.edit, name="desk-taxpayer-edit"),
    path("desk/register/<slug:number>/declare/<slug:base>", views.declare, name="desk-taxed-new"),
    path("census/app", census_views.app, name="census"),
    path("census/me", census_views.me, name="census-me"),
    path("census/sync", census_views.sync, name="census-sync"),
    path("census/photo", census_views.photo, name="census-photo"),
    path("census/worker.js", census_views.worker, name="census-worker"),
    path("census/app.webmanifest", census_views.manifest, name="census-manifest"),
]
