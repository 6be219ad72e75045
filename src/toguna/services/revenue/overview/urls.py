from django.urls import path

from toguna.services.revenue.overview import views

urlpatterns = [
    path("", views.overview, name="desk-revenue"),
    path("count", views.recount, name="desk-revenue-count"),
    path("streets", views.streets, name="desk-revenue-streets"),
]
