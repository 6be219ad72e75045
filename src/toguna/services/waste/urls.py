from django.urls import path

from toguna.services.waste import hub

urlpatterns = [path("waste/", hub.hub, name="waste")]
