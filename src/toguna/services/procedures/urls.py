from django.urls import path

from toguna.services.procedures import desk, views

urlpatterns = [
    path("procedures/", views.procedures, name="procedures"),
    path("procedures/<slug:slug>", views.procedure, name="procedure"),
    path("procedures/<slug:slug>/quiz", views.quiz, name="procedure-quiz"),
    path("desk/procedures/", desk.procedures, name="desk-procedures"),
    path("desk/procedures/new", desk.procedure, name="desk-procedure-new"),
    path("desk/procedures/<slug:slug>", desk.procedure, name="desk-procedure"),
]
