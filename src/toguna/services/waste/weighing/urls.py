from django.urls import path

from toguna.services.waste.weighing import desk

urlpatterns = [
    path("desk/waste/scales/", desk.scales, name="desk-waste-scales"),
    path("desk/waste/scales/new", desk.edit, name="desk-waste-scale-new"),
    path("desk/waste/scales/<str:code>", desk.scale, name="desk-waste-scale"),
    path("desk/waste/scales/<str:code>/edit", desk.edit, name="desk-waste-scale-edit"),
]
