from django.urls import path

from toguna.services.reports.moderation import views

urlpatterns = [
    path("reports/<slug:code>/flag", views.flag, name="report-flag"),
    path("desk/moderation/", views.waiting, name="desk-moderation"),
    path("desk/moderation/<slug:code>", views.moderate, name="desk-moderate"),
    path("desk/moderation/<slug:code>/photo/<int:photo>", views.cover, name="desk-cover"),
]
