from django.urls import path

from toguna.engines.forms.web import views

urlpatterns = [
    path("forms/resume", views.resume, name="form-resume"),
    path("forms/<slug:slug>", views.begin, name="form-begin"),
    path("forms/f/<str:code>/", views.step, name="form-step"),
]
