from django.urls import path

from toguna.services.equipment import views

urlpatterns = [path("desk/equipment/figures/", views.figures, name="desk-equipment-figures")]
