from django.urls import path

from toguna.services.reports.desk import bulk, entry, exports, report, views

urlpatterns = [
    path("", views.desk, name="desk-reports"),
    path("new", entry.new, name="desk-report-new"),
    path("bulk", bulk.bulk, name="desk-bulk"),
    path("export", exports.export, name="desk-reports-export"),
    path("keep", views.keep, name="desk-keep"),
    path("<slug:code>", report.desk_report, name="desk-report"),
    path("<slug:code>/act", report.desk_act, name="desk-report-act"),
    path("<slug:code>/slip", entry.slip, name="desk-report-slip"),
    path("<slug:code>/pdf", exports.pdf, name="desk-report-pdf"),
]
