from django.urls import path

from toguna.engines.forms.paper import views

urlpatterns = [
    path("forms/<slug:slug>/paper.pdf", views.blank, name="form-paper"),
    path("desk/forms/<slug:slug>/paper", views.printed, name="desk-form-blanks"),
    path("desk/forms/paper/read", views.read, name="desk-form-paper-read"),
]
