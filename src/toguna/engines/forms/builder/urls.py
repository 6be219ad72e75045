from django.urls import path

from toguna.engines.forms.builder import views

urlpatterns = [
    path("desk/forms/new", views.new, name="desk-form-new"),
    path("desk/forms/<slug:slug>/build", views.build, name="desk-form-build"),
    path("desk/forms/<slug:slug>/build/preview", views.preview, name="desk-form-preview"),
    path("desk/forms/<slug:slug>/build/item/<path:at>", views.item, name="desk-form-item"),
    path("desk/forms/<slug:slug>/build/phone", views.phone, name="desk-form-phone"),
    path("desk/forms/<slug:slug>/versions", views.versions, name="desk-form-versions"),
]
