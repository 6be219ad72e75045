from django.urls import path

from toguna.engines.cases import api as cases
from toguna.services.procedures import casetype, counter, desk, online, views

urlpatterns = [
    path("procedures/", views.procedures, name="procedures"),
    path("procedures/<slug:slug>", views.procedure, name="procedure"),
    path("procedures/<slug:slug>/quiz", views.quiz, name="procedure-quiz"),
    path("procedures/<slug:slug>/ask", online.begin, name="procedure-ask"),
    path("requests/form/<str:code>/", online.step, name="request-form"),
    path("requests/<str:code>", online.follow, name="request"),
    path("requests/<str:code>/act", online.act, name="request-act"),
    path("requests/<str:code>/papers/<str:paper>", online.paper, name="request-paper"),
    path("desk/procedures/", desk.procedures, name="desk-procedures"),
    path("desk/procedures/new", desk.procedure, name="desk-procedure-new"),
    path("desk/procedures/<slug:slug>", desk.procedure, name="desk-procedure"),
    path("desk/procedures/<slug:slug>/steps", desk.steps, name="desk-procedure-steps"),
    path("desk/procedures/<slug:slug>/paper", desk.paper, name="desk-procedure-paper"),
    path("desk/procedures/<slug:slug>/form", desk.form, name="desk-procedure-form"),
    path("desk/requests/new/", counter.begin, name="desk-request-new"),
    path("desk/requests/form/<str:code>/", counter.fill, name="desk-request-form"),
    path("desk/requests/<str:code>/ours", counter.act, name="desk-request-act"),
    *cases.desk_urls("procedures", casetype.READ, "desk/requests/"),
]
