from django.urls import path

from toguna.services.reports.around import feed, views

urlpatterns = [
    path("around/", views.around, name="around"),
    path("around/confirm/<str:token>", views.confirm, name="alert-confirm"),
    path("around/end/<str:token>", views.end, name="alert-end"),
    path("reports/feed.rss", feed.feed, name="reports-feed"),
    path("reports/districts", views.districts, name="reports-districts"),
    path("reports/embed", views.embed, name="reports-embed"),
    path("reports/embed/code", views.embed_code, name="reports-embed-code"),
]
