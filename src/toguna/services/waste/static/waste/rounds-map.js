// The rounds of a plan on the streets: the lines of the drawing, and each stop, which says its hour, its reason and the load.

const shown = JSON.parse(document.getElementById("rounds-shown").textContent);

document.getElementById("rounds-map").addEventListener("map-drawn", ({ detail: { map, library } }) => {
  const around = new library.LngLatBounds(), lines = shown.features.filter(({ geometry }) => geometry.type === "LineString");
  for (const { geometry } of shown.features) (geometry.type === "Point" ? [geometry.coordinates] : geometry.coordinates).forEach((point) => around.extend(point));
  map.fitBounds(around, { padding: 40, maxZoom: 16, animate: false });
  map.once("load", () => {
    map.addSource("rounds", { type: "geojson", data: shown });
    lines.forEach(({ properties: { name, colour, dash } }) => map.addLayer({
      id: `own-round-${name}`, type: "line", source: "rounds", filter: ["all", ["==", ["geometry-type"], "LineString"], ["==", ["get", "name"], name]],
      paint: { "line-color": colour, "line-width": 4, "line-opacity": 0.85, ...(dash.length ? { "line-dasharray": dash } : {}) },
    }));
    const points = ["==", ["geometry-type"], "Point"], done = ["to-boolean", ["get", "done"]];
    map.addLayer({ id: "own-rounds-stops", type: "circle", source: "rounds", filter: ["all", points, ["!", ["has", "square"]]], paint: {
      "circle-radius": 11, "circle-color": ["case", done, "#fff", ["get", "colour"]],
      "circle-stroke-color": ["case", done, ["get", "colour"], "#fff"], "circle-stroke-width": 2,
    } });
    map.addLayer({ id: "own-rounds-words", type: "symbol", source: "rounds", filter: points, layout: {
      "text-field": ["get", "label"], "text-font": ["sans-serif"], "text-size": ["case", ["has", "square"], 26, 11], "text-allow-overlap": true,
    }, paint: { "text-color": ["case", ["has", "square"], "#111", done, ["get", "colour"], "#fff"], "text-halo-color": "#fff", "text-halo-width": ["case", ["has", "square"], 1, 0] } });
  });
});
