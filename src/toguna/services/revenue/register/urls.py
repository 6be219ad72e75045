from django.urls import path

from toguna.services.revenue.register import views

urlpatterns = [
    path("desk/register/", views.register, name="desk-register"),
    path("desk/register/new", views.new, name="desk-taxpayer-new"),
    path("desk/register/same", views.same, name="desk-register-same"),
    path("desk/register/thing/<slug:code>", views.thing, name="desk-taxed"),
    path("desk/register/thing/<slug:code>/edit", views.edit_thing, name="desk-taxed-edit"),
    path("desk/register/thing/<slug:code>/act", views.act, name="desk-taxed-act"),
    path("desk/register/<slug:number>", views.taxpayer, name="desk-taxpayer"),
    path("desk/register/<slug:number>/edit", views.edit, name="desk-taxpayer-edit"),
    path("desk/register/<slug:number>/declare/<slug:base>", views.declare, name="desk-taxed-new"),
]
