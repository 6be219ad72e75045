from django.urls import path

from toguna.engines.telemetry.desk import alarms, devices, rules

urlpatterns = [
    path("", devices.index, name="desk-devices"),
    path("map", devices.on_map, name="desk-devices-map"),
    path("new", devices.new, name="desk-device-new"),
    path("quarantine", devices.quarantine, name="desk-quarantine"),
    path("kept", devices.kept, name="desk-devices-kept"),
    path("decoders", devices.decoders, name="desk-decoders"),
    path("decoders/new", devices.decoder, name="desk-decoder-new"),
    path("decoders/<slug:slug>", devices.decoder, name="desk-decoder"),
    path("<int:pk>", devices.device, name="desk-device"),
    path("<int:pk>/edit", devices.edit, name="desk-device-edit"),
    path("<int:pk>/key", devices.key, name="desk-device-key"),
    path("<int:pk>/day", devices.day, name="desk-device-day"),
    path("alarms", alarms.index, name="desk-alarms"),
    path("rules", rules.index, name="desk-alarm-rules"),
    path("rules/new", rules.edit, name="desk-alarm-rule-new"),
    path("rules/<slug:name>", rules.rule, name="desk-alarm-rule"),
    path("rules/<slug:name>/edit", rules.edit, name="desk-alarm-rule-edit"),
]
