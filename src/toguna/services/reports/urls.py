from django.urls import path

from toguna.services.reports import views

urlpatterns = [
    path("reports/", views.reports, name="reports"),
    path("reports/new", views.choose, name="report-choose"),
    path("reports/new/<slug:slug>", views.new, name="report-new"),
    path("reports/thanks/<slug:code>", views.thanks, name="report-thanks"),
    path("reports/follow", views.follow, name="report-follow"),
    path("reports/<slug:code>", views.report, name="report"),
    path("reports/<slug:code>/me-too", views.me_too, name="report-me-too"),
    path("reports/<slug:code>/answer", views.answer, name="report-answer"),
]
