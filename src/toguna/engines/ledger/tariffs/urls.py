from django.urls import path

from toguna.engines.ledger.tariffs import views

urlpatterns = [
    path("prices/", views.prices, name="prices"),
    path("prices/<slug:slug>", views.price, name="price"),
    path("desk/tariffs/", views.tariffs, name="desk-tariffs"),
    path("desk/tariffs/new", views.edit, name="desk-tariff-new"),
    path("desk/tariffs/<int:pk>", views.edit, name="desk-tariff"),
]
