"""Readings and positions, partitioned by day (UTC); what every town measures; for how long things are kept."""

from django.db import migrations

SQL = """
CREATE TABLE telemetry_reading (
    device integer NOT NULL, quantity smallint NOT NULL, at timestamptz NOT NULL, value double precision NOT NULL,
    seq bigint NOT NULL DEFAULT -1, flags smallint NOT NULL DEFAULT 0
) PARTITION BY RANGE (at);
CREATE INDEX telemetry_reading_at ON telemetry_reading USING brin (at) WITH (pages_per_range = 32);
CREATE TABLE telemetry_reading_other PARTITION OF telemetry_reading DEFAULT;
CREATE TABLE telemetry_position (
    device integer NOT NULL, at timestamptz NOT NULL, lat double precision NOT NULL, lon double precision NOT NULL,
    speed real, course real, altitude real, seq bigint NOT NULL DEFAULT -1, flags smallint NOT NULL DEFAULT 0
) PARTITION BY RANGE (at);
CREATE INDEX telemetry_position_at ON telemetry_position USING brin (at) WITH (pages_per_range = 32);
CREATE TABLE telemetry_position_other PARTITION OF telemetry_position DEFAULT;
-- Late ones of long ago are few: an index costs nothing.
CREATE INDEX telemetry_reading_other_device ON telemetry_reading_other (device, at);
CREATE INDEX telemetry_position_other_device ON telemetry_position_other (device, at);
"""
UNDO = "DROP TABLE telemetry_reading; DROP TABLE telemetry_position"

# code, UCUM unit, lowest, highest, fr, pt, en
QUANTITIES = [
    ("fill", "%", 0, 100, "Remplissage", "Enchimento", "Fill level"),
    ("distance", "cm", 0, 1000, "Distance mesurée", "Distância medida", "Measured distance"),
    ("weight", "kg", -50, 100000, "Poids", "Peso", "Weight"),
    ("temperature", "Cel", -40, 125, "Température", "Temperatura", "Temperature"),
    ("humidity", "%", 0, 100, "Humidité", "Humidade", "Humidity"),
    ("pressure", "hPa", 300, 1200, "Pression", "Pressão", "Pressure"),
    ("rain", "mm", 0, 1000, "Pluie", "Chuva", "Rain"),
    ("level", "m", -50, 500, "Niveau d’eau", "Nível da água", "Water level"),
    ("flow", "m3/h", -100000, 100000, "Débit", "Caudal", "Flow"),
    ("volume", "m3", 0, None, "Volume", "Volume", "Volume"),
    ("energy", "kW.h", 0, None, "Énergie", "Energia", "Energy"),
    ("power", "W", None, None, "Puissance", "Potência", "Power"),
    ("noise", "dB", 0, 200, "Bruit", "Ruído", "Noise"),
    ("pm25", "ug/m3", 0, 2000, "Particules PM2,5", "Partículas PM2,5", "Particles PM2.5"),
    ("pm10", "ug/m3", 0, 5000, "Particules PM10", "Partículas PM10", "Particles PM10"),
    ("no2", "ug/m3", 0, 5000, "Dioxyde d’azote", "Dióxido de azoto", "Nitrogen dioxide"),
    ("fuel", "L", 0, 2000, "Carburant", "Combustível", "Fuel"),
    ("odometer", "km", 0, None, "Compteur kilométrique", "Conta-quilómetros", "Odometer"),
    ("ignition", "1", 0, 1, "Contact", "Ignição", "Ignition"),
    ("alarm", "1", 0, 1, "Appel de l’appareil", "Chamada do aparelho", "Call of the device"),
    ("battery", "%", 0, 100, "Batterie", "Bateria", "Battery"),
    ("voltage", "V", -100, 1000, "Tension", "Tensão", "Voltage"),
    ("signal", "dB[mW]", -200, 50, "Signal radio", "Sinal de rádio", "Radio signal"),
    ("count", "1", 0, None, "Comptage", "Contagem", "Count"),
]


def fill(apps, schema_editor):
    make = apps.get_model("telemetry", "Quantity").objects.get_or_create
    for code, unit, low, high, fr, pt, en in QUANTITIES:
        make(code=code, defaults={"unit": unit, "low": low, "high": high, "names": {"fr": fr, "pt": pt, "en": en}})
    keep = apps.get_model("telemetry", "Policy").objects.get_or_create
    keep(table="reading", defaults={"raw_days": 35, "file_days": 1095, "hour_days": 3650})
    # Where vehicles, and who drives them, went: a year.
    keep(table="position", defaults={"raw_days": 35, "file_days": 365, "hour_days": 3650})


class Migration(migrations.Migration):
    dependencies = [("telemetry", "0001_telemetry")]
    operations = [migrations.RunSQL(SQL, UNDO), migrations.RunPython(fill, migrations.RunPython.noop)]
