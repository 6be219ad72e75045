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
    const stops = { source: "rounds", filter: ["==", ["geometry-type"], "Point"] };
    map.addLayer({ ...stops, id: "own-rounds-stops", type: "circle", paint: {
      "circle-radius": ["case", ["has", "square"], 8, 11], "circle-color": ["case", ["to-boolean", ["get", "done"]], "#fff", ["get", "colour"]],
      "circle-stroke-color": ["case", ["to-boolean", ["get", "done"]], ["get", "colour"], "#fff"], "circle-stroke-width": 2,
    } });
    map.addLayer({ ...stops, id: "own-rounds-numbers", type: "symbol", layout: { "text-field": ["get", "label"], "text-size": 11, "text-font": ["sans-serif"], "text-allow-overlap": true }, paint: {
      "text-color": ["case", ["to-boolean", ["get", "done"]], ["get", "colour"], "#fff"],
    } });
  });
});
