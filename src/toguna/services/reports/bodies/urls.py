from django.urls import path

from toguna.services.reports.bodies import views

urlpatterns = [
    path("", views.bodies, name="desk-bodies"),
    path("new", views.body, name="desk-body-new"),
    path("send/<slug:code>", views.send, name="desk-report-transfer"),
    path("<slug:slug>", views.body, name="desk-body"),
]
