from django.urls import path

from toguna.services.waste.places import desk, views

urlpatterns = [
    path("waste/places", views.places, name="waste-places"),
    path("waste/p/<str:code>", views.place, name="waste-place"),
    path("desk/waste/places/", desk.places, name="desk-waste-places"),
    path("desk/waste/places/new", desk.edit, name="desk-waste-place-new"),
    path("desk/waste/places/dealt", desk.dealt, name="desk-waste-places-dealt"),
    path("desk/waste/places/register.csv", desk.export, name="desk-waste-places-export"),
    path("desk/waste/places/import", desk.bring, name="desk-waste-places-import"),
    path("desk/waste/places/labels.pdf", desk.labels, name="desk-waste-labels"),
    path("desk/waste/places/<str:code>", desk.edit, name="desk-waste-place"),
]
