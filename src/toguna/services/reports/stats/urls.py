from django.urls import path

from toguna.services.reports.stats.views import stats

urlpatterns = [path("", stats, name="report-stats")]
