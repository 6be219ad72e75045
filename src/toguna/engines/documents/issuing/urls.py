from django.urls import path

from toguna.engines.documents.issuing import views

urlpatterns = [
    path("check/", views.check, name="check"),
    path("check/key.pem", views.key, name="check-key"),
    path("check/<slug:code>", views.check, name="check-paper"),
    path("account/papers/<slug:code>.pdf", views.own_paper, name="my-paper"),
    path("desk/papers/", views.papers, name="desk-papers"),
    path("desk/papers/new", views.template, name="desk-paper-template-new"),
    path("desk/papers/templates/<slug:name>", views.template, name="desk-paper-template"),
    path("desk/papers/templates/<slug:name>/sample.pdf", views.preview, name="desk-paper-sample"),
    path("desk/papers/issue/<slug:name>", views.issue, name="desk-paper-issue"),
    path("desk/papers/<slug:code>", views.paper, name="desk-paper"),
    path("desk/papers/<slug:code>/signed.pdf", views.file, name="desk-paper-file"),
    path("desk/registers/", views.registers, name="desk-registers"),
    path("desk/registers/new", views.new_entry, name="desk-entry-new"),
    path("desk/registers/<int:pk>", views.register, name="desk-register"),
    path("desk/registers/entries/<int:pk>", views.entry, name="desk-entry"),
    path("desk/registers/<slug:kind>/<int:first>.pdf", views.decennial, name="desk-decennial"),
]
