from django.urls import path

from toguna.services.complaints import desk, views

urlpatterns = [
    path("complaints/new", views.complain, name="complain"),
    path("complaints/report", views.report, name="complaints-report"),
    path("complaints/report/<int:year>", views.report, name="complaints-report-year"),
    path("complaints/<str:code>", views.complaint, name="complaint"),
    path("complaints/<str:code>/answer", views.answer, name="complaint-answer"),
    path("desk/complaints/", desk.complaints, name="desk-complaints"),
    path("desk/complaints/new", desk.new, name="desk-complaint-new"),
    path("desk/complaints/levels", desk.levels, name="desk-complaint-levels"),
    path("desk/complaints/<str:code>", desk.complaint, name="desk-complaint"),
    path("desk/complaints/<str:code>/act", desk.act, name="desk-complaint-act"),
]
