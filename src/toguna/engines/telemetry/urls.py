from django.urls import path

from toguna.engines.telemetry.doors import http, phone
from toguna.engines.telemetry.doors.sensorthings import views as things

urlpatterns = [
    path("telemetry/in/<str:code>", http.device, name="telemetry-in"),
    path("telemetry/lorawan/chirpstack", http.chirpstack, name="telemetry-chirpstack"),
    path("telemetry/lorawan/things-stack", http.things_stack, name="telemetry-things-stack"),
    path("telemetry/osmand", http.osmand, name="telemetry-osmand"),
    path("telemetry/osmand/<str:key>", http.osmand, name="telemetry-osmand-key"),
    path("telemetry/phone/", phone.page, name="telemetry-phone"),
    path("telemetry/phone/worker.js", phone.worker, name="telemetry-phone-worker"),
    path("telemetry/phone/manifest.json", phone.manifest, name="telemetry-phone-manifest"),
    path("telemetry/phone/in/<str:code>", phone.take, name="telemetry-phone-in"),
    path("sensorthings/v1.1", things.root, name="sensorthings"),
    path("sensorthings/v1.1/<path:rest>", things.resource, name="sensorthings-resource"),
]
