from django.urls import path

from toguna.services.waste.orders import desk, ordering, views, working

urlpatterns = [
    path("waste/pickup", views.kinds, name="waste-pickup"),
    path("waste/pickup/o/<str:code>", views.page, name="waste-pickup-page"),
    path("waste/pickup/o/<str:code>/act", views.act, name="waste-pickup-act"),
    path("waste/pickup/o/<str:code>/photo/<uuid:photo>", views.photo, name="waste-pickup-photo"),
    path("waste/pickup/<slug:slug>", views.new, name="waste-pickup-new"),
    path("waste/jobs", working.work, name="waste-jobs"),
    path("waste/jobs/act", working.act, name="waste-jobs-act"),
    path("waste/jobs/photo/<str:code>/<uuid:photo>", working.photo, name="waste-jobs-photo"),
    path("desk/waste/pickups/", desk.pickups, name="desk-waste"),
    path("desk/waste/pickups/new", ordering.new, name="desk-waste-pickup-new"),
    path("desk/waste/pickups/<str:code>", desk.pickup, name="desk-waste-pickup"),
    path("desk/waste/pickups/<str:code>/photo/<uuid:photo>", desk.photo, name="desk-waste-pickup-photo"),
    path("desk/waste/pickups/<str:code>/act", desk.act, name="desk-waste-pickup-act"),
    path("desk/waste/collectors/", desk.collectors, name="desk-waste-collectors"),
    path("desk/waste/collectors/new", desk.collector_edit, name="desk-waste-collector-new"),
    path("desk/waste/collectors/<int:pk>", desk.collector, name="desk-waste-collector"),
    path("desk/waste/collectors/<int:pk>/edit", desk.collector_edit, name="desk-waste-collector-edit"),
    path("desk/waste/collectors/<int:pk>/state", desk.collector_state, name="desk-waste-collector-state"),
]
