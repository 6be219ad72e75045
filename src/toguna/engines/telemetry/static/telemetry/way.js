// A day of a vehicle, replayed: a slider moves the mark on the drawing, and on the map when it is open. [[seconds, lat, lon, km/h]]

const at = (id) => document.getElementById(id), points = JSON.parse(at("way").textContent);
const slider = at("way-at"), first = points[0][0], long = Math.max(1, points.at(-1)[0] - first);
const language = document.documentElement.lang;
const drawn = document.querySelector("[data-way-now]"), line = drawn?.ownerSVGElement.querySelector("polyline");
let marker = null, playing = 0;

function where(time) {
  let low = 0, high = points.length - 1;
  while (low < high) { const middle = (low + high + 1) >> 1; if (points[middle][0] <= time) low = middle; else high = middle - 1; }
  return low;
}

function show() {
  const number = where(first + (long * slider.value) / 1000), [seconds, lat, lon, speed] = points[number];
  const clock = new Date(seconds * 1000).toLocaleTimeString(language);
  at("way-says").textContent = speed === null ? clock : `${clock}, ${speed} km/h`;
  slider.setAttribute("aria-valuetext", at("way-says").textContent);
  marker?.setLngLat([lon, lat]);
  if (drawn?.isConnected) {
    const shown = line.points, spot = shown[Math.min(shown.length - 1, Math.round((number / points.length) * (shown.length - 1)))];
    drawn.setAttribute("cx", spot.x);
    drawn.setAttribute("cy", spot.y);
  }
}

function play() {
  if (playing) { clearInterval(playing); playing = 0; return; }
  if (slider.value === slider.max) slider.value = 0;
  playing = setInterval(() => {
    slider.value = Number(slider.value) + 4;
    show();
    if (slider.value === slider.max) { clearInterval(playing); playing = 0; }
  }, 100);
}

at("way-map").addEventListener("map-drawn", ({ detail: { map, library } }) => {
  const way = points.map(([, lat, lon]) => [lon, lat]), around = new library.LngLatBounds();
  way.forEach((point) => around.extend(point));
  map.fitBounds(around, { padding: 40, maxZoom: 16, animate: false });
  map.once("load", () => {
    map.addSource("way", { type: "geojson", data: { type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: way } } });
    map.addLayer({ id: "way", type: "line", source: "way", paint: { "line-color": "#33418a", "line-width": 4, "line-opacity": 0.8 } });
  });
  marker = new library.Marker({ color: "#c8501e" }).setLngLat(way[0]).addTo(map);
  show();
});
slider.addEventListener("input", show);
at("way-play").addEventListener("click", play);
at("way-tools").hidden = false;
show();
