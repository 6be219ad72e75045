"""What every town measures, and for how long it is kept, until the town says otherwise."""

from __future__ import annotations

# code, UCUM unit, lowest, highest, fr, pt, en
QUANTITIES: list[tuple[str, str, float | None, float | None, str, str, str]] = [
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
# Days: raw in the tables, then in files, then as hours.
POLICIES = {
    "reading": {"raw_days": 35, "file_days": 1095, "hour_days": 3650},
    # Where vehicles, and who drives them, went: a year.
    "position": {"raw_days": 35, "file_days": 365, "hour_days": 3650},
}
