from django.urls import path

from toguna.engines.forms.openrosa import views

# No slash at the end: Collect adds these names to the address that it is given.
urlpatterns = [
    path("odk/formList", views.form_list, name="odk-form-list"),
    path("odk/forms/<slug:slug>/<str:version>.xml", views.form, name="odk-form"),
    path("odk/submission", views.submission, name="odk-submission"),
    path("desk/odk", views.key, name="desk-odk"),
]
