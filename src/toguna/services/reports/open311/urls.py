from django.urls import path

from toguna.kernel.web import public
from toguna.services.reports.open311 import server, updates

urlpatterns = [
    path("", public(server.root), name="open311"),
    path("discovery.<str:format>", server.discovery, name="open311-discovery"),
    path("services.<str:format>", server.services, name="open311-services"),
    path("services/<slug:service_code>.<str:format>", server.service, name="open311-service"),
    path("requests.<str:format>", server.requests, name="open311-requests"),
    path("requests/<slug:code>.<str:format>", server.one, name="open311-request"),
    path("tokens/<slug:code>.<str:format>", server.token, name="open311-token"),
    path("servicerequestupdates.<str:format>", updates.updates, name="open311-updates"),
]
