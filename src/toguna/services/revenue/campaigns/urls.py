from django.urls import path

from toguna.services.revenue.campaigns import views

urlpatterns = [
    path("", views.campaigns, name="desk-campaigns"),
    path("tariffs", views.simulation, name="desk-simulation"),
    path("now/<slug:code>", views.now, name="desk-bill-now"),
    path("<slug:slug>", views.campaign, name="desk-campaign"),
    path("<slug:slug>/act", views.act, name="desk-campaign-act"),
    path("<slug:slug>/left-out", views.left_out, name="desk-campaign-left-out"),
    path("<slug:slug>/notices/<int:pk>", views.paper, name="desk-campaign-notices"),
]
