from django.urls import path

from toguna.services.reports.setup import views

urlpatterns = [
    path("", views.categories, name="desk-setup"),
    path("new", views.category, name="desk-category-new"),
    path("categories/<slug:slug>", views.category, name="desk-category"),
    path("categories/<slug:slug>/questions", views.questions, name="desk-category-questions"),
    path("categories/<slug:slug>/preview", views.preview, name="desk-preview"),
    path("categories/<slug:slug>/close", views.close, name="desk-category-close"),
    path("rules/", views.rules, name="desk-rules"),
    path("rules/<int:pk>", views.rules, name="desk-rule"),
    path("templates/", views.templates, name="desk-templates"),
    path("templates/<int:pk>", views.templates, name="desk-template"),
]
