from django.urls import path

from toguna.engines.bookings import views
from toguna.engines.bookings.desk import views as desk

urlpatterns = [
    path("appointments/", views.choose, name="appointments"),
    path("appointments/b/<str:code>", views.booking, name="booking"),
    path("appointments/b/<str:code>/act", views.act, name="booking-act"),
    path("appointments/b/<str:code>/calendar.ics", views.calendar, name="booking-calendar"),
    path("appointments/<slug:slug>", views.times, name="appointment"),
    path("appointments/<slug:slug>/calendar.ics", views.feed, name="appointment-feed"),
    path("desk/appointments/", desk.day, name="desk-appointments"),
    path("desk/appointments/new", desk.new, name="desk-appointment-new"),
    path("desk/appointments/set-up/", desk.resources, name="desk-appointment-resources"),
    path("desk/appointments/set-up/new", desk.resource, name="desk-appointment-resource-new"),
    path("desk/appointments/set-up/<slug:slug>", desk.resource, name="desk-appointment-resource"),
    path("desk/appointments/set-up/<slug:slug>/act", desk.change, name="desk-appointment-change"),
]
