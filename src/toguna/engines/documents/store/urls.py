from django.urls import path

from toguna.engines.documents.store import views

urlpatterns = [
    path("desk/documents/", views.files, name="desk-documents"),
    path("desk/documents/plan", views.plan, name="desk-documents-plan"),
    path("desk/documents/plan/<slug:name>", views.plan, name="desk-documents-kind"),
    path("desk/documents/ends", views.ends, name="desk-documents-ends"),
    path("desk/documents/<uuid:public_id>", views.file, name="desk-document"),
    path("desk/documents/<uuid:public_id>/<int:number>", views.desk_content, name="desk-document-content"),
    path("documents/<uuid:public_id>", views.content, name="document"),
]
