from django.urls import path

from toguna.engines.indicators import views

urlpatterns = [
    path("figures/", views.index, name="figures"),
    path("figures/<str:name>", views.figure, name="figure"),
    path("desk/figures/", views.desk, name="desk-figures"),
    path("desk/figures/<str:name>", views.desk_figure, name="desk-figure"),
]
