from django.urls import path

from toguna.services.reports.desk import views

urlpatterns = [
    path("", views.desk, name="desk-reports"),
    path("<slug:code>", views.desk_report, name="desk-report"),
    path("<slug:code>/act", views.desk_act, name="desk-report-act"),
]
