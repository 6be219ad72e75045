from django.urls import path

from toguna.engines.forms.desk import views

urlpatterns = [
    path("desk/forms/", views.forms, name="desk-forms"),
    path("desk/forms/<slug:slug>", views.form, name="desk-form"),
    path("desk/forms/<slug:slug>/change", views.change, name="desk-form-change"),
    path("desk/forms/<slug:slug>/form.xlsx", views.workbook, name="desk-form-workbook"),
    path("desk/forms/<slug:slug>/answers.csv", views.download, name="desk-form-answers"),
]
