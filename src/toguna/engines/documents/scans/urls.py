from django.urls import path

from toguna.engines.documents.scans import views

urlpatterns = [
    path("desk/scans/", views.batches, name="desk-scans"),
    path("desk/scans/sheets.pdf", views.separators, name="desk-scan-sheets"),
    path("desk/scans/<int:pk>", views.batch, name="desk-scan"),
    path("desk/scans/<int:pk>/page/<int:number>.jpg", views.side, name="desk-scan-side"),
    path("desk/scans/document/<int:pk>", views.part, name="desk-scan-part"),
    path("desk/scans/document/<int:pk>/read.pdf", views.read_pdf, name="desk-scan-pdf"),
]
