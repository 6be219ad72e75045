from django.urls import path

from toguna.services.waste.figures import desk

urlpatterns = [path("desk/waste/figures/", desk.figures, name="desk-waste-figures")]
