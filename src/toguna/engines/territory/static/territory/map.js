// The interactive map, where one is opened. Every page that has one works without it.
//
// <div data-map>                      a map; data-full, data-lon/-lat (a mark), data-points (JSON list), data-bounds
// <div data-map-pick="id_of_input">   a button that opens a map on which a tap fills the input with "lat, lon"
// The library, its worker and its style sheet come from data-maplibre, data-worker, data-css of the element, or of <html>'s
// <link rel="map-*"> when the page has several.

const COLOURS = { open: "#33418a", waiting: "#b26a00", done: "#1d6b3c", refused: "#a3201f" };
let library;

function where(element, name) {
  return element.dataset[name] || document.querySelector(`link[data-map-${name}]`)?.href || document.querySelector(`[data-${name}]`)?.dataset[name];
}

async function load(element) {
  library ??= import(where(element, "maplibre")).then((made) => {
    made.setWorkerUrl(new URL(where(element, "worker"), location.href).href);
    const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: where(element, "css") });
    document.head.append(sheet);
    return new Promise((done) => { sheet.onload = sheet.onerror = () => done(made); });
  });
  library.catch(() => { library = undefined; }); // the network may be back at the next try
  return library;
}

async function draw(element) {
  const { Map, NavigationControl, GeolocateControl, ScaleControl, Marker, LngLatBounds, AttributionControl, Popup } = await load(element);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const style = new URL(where(element, "style") || "/map/style.json", location.href);
  if (dark) style.searchParams.set("theme", "dark");
  const answer = await fetch(style);
  if (!answer.ok) throw new Error(`style: ${answer.status}`);
  const drawn = await answer.json();
  const words = drawn.metadata["toguna:words"], kinds = drawn.metadata["toguna:kinds"];
  const full = "full" in element.dataset;
  const bounds = where(element, "bounds") ? JSON.parse(where(element, "bounds")) : null;
  const before = [...element.childNodes];
  element.replaceChildren();
  let map;
  try {
    map = new Map({
      container: element, style: drawn, locale: words, hash: full, attributionControl: false, cooperativeGestures: !full,
      canvasContextAttributes: { preserveDrawingBuffer: full }, // so that what is seen can be printed
      ...(bounds && !location.hash ? { bounds, fitBoundsOptions: { padding: 20 } } : {}),
    });
  } catch (error) { // a device without WebGL: what stood there comes back
    element.replaceChildren(...before, Object.assign(document.createElement("p"), { className: "mapopen notice warn", textContent: words.fails }));
    throw error;
  }
  map.addControl(new AttributionControl({ compact: true }));
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl());
  if (full && navigator.geolocation) {
    map.addControl(new GeolocateControl({ positionOptions: { enableHighAccuracy: true } }), "top-right");
    // The library names its button once it knows whether the place may be asked; until then a reader of the screen found one without a name.
    element.querySelector(".maplibregl-ctrl-geolocate")?.setAttribute("aria-label", words["GeolocateControl.FindMyLocation"]);
  }
  map.setMissingStyleImageResolver(async (id) => {
    const image = new Image(48, 48);
    image.src = `/icons/${id}.svg`;
    await image.decode();
    if (!map.hasImage(id)) map.addImage(id, image);
  });
  if (!("pick" in element.dataset)) map.on("click", ({ point, lngLat }) => {
    const shown = map.getStyle().layers.filter(({ id }) => /^(facilities|place-names|extra-|own-)/.test(id)).map(({ id }) => id);
    const [found] = map.queryRenderedFeatures([[point.x - 8, point.y - 8], [point.x + 8, point.y + 8]], { layers: shown });
    if (!found) return;
    const at = found.geometry.type === "Point" ? found.geometry.coordinates : lngLat;
    if (found.properties.n > 1) return map.easeTo({ center: at, zoom: map.getZoom() + 2 });
    new Popup().setLngLat(at).setDOMContent(bubble(found.properties, kinds, words.place)).addTo(map);
  });
  if (element.dataset.lon) {
    const at = [Number(element.dataset.lon), Number(element.dataset.lat)];
    new Marker({ color: "#c8501e" }).setLngLat(at).addTo(map);
    map.jumpTo({ center: at, zoom: 16 });
  }
  const points = element.dataset.points ? JSON.parse(element.dataset.points) : [];
  if (points.length) {
    const around = new LngLatBounds();
    for (const point of points) {
      const link = Object.assign(document.createElement("a"), { href: point.url || `${location.pathname}${point.code}`, className: "mark", title: point.title || point.code, textContent: "" });
      link.setAttribute("aria-label", `${point.title || ""} ${point.code}`);
      link.dataset.kind = point.kind || "open";
      new Marker({ element: link }).setLngLat([point.lon, point.lat]).addTo(map);
      around.extend([point.lon, point.lat]);
    }
    map.fitBounds(around, { padding: 40, maxZoom: 16, animate: false });
  }
  element.dispatchEvent(new CustomEvent("map-drawn", { detail: { map, library: await load(element) } })); // a page may add what is its own
  return map;
}

// What was pressed, as text: a name is never markup.
function bubble({ name, kind, code, url, said }, kinds, unknown) {
  const box = document.createElement("div");
  const title = Object.assign(document.createElement(url ? "a" : "strong"), { textContent: name || code || kinds[kind] || unknown });
  if (url) title.href = url;
  box.append(title);
  if (name && kinds[kind]) box.append(Object.assign(document.createElement("p"), { textContent: kinds[kind] }));
  if (said) box.append(Object.assign(document.createElement("p"), { textContent: said }));
  return box;
}

// Opened at once where data are cheap, by its button elsewhere.
function cheap() {
  const net = navigator.connection;
  return !net || (!net.saveData && !/2g|3g/.test(net.effectiveType || ""));
}

for (const element of document.querySelectorAll("[data-map]")) {
  const button = element.querySelector("[data-map-open]");
  const open = async () => {
    try {
      const map = await draw(element);
      tools(map);
    } catch (error) { console.warn(error); }
  };
  if (!button || cheap()) open();
  else { button.hidden = false; button.addEventListener("click", open, { once: true }); }
}

// What works on an opened map only, and is not shown before.
function tools(map) {
  for (const box of document.querySelectorAll("[data-map-layer], [data-map-own]")) box.closest("label").hidden = false;
  for (const box of document.querySelectorAll("[data-map-layer]")) {
    const show = () => {
      for (const id of [`extra-${box.dataset.mapLayer}`, `extra-${box.dataset.mapLayer}-n`])
        if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", box.checked ? "visible" : "none");
    };
    box.addEventListener("change", show);
    map.once("load", show);
  }
  ways(map);
  for (const box of document.querySelectorAll("[data-map-own]")) {
    // data-states="late:#a3201f paid:#1d6b3c": a colour for each `state` of what is drawn.
    const states = (box.dataset.states || "").split(" ").filter(Boolean).flatMap((pair) => pair.split(":"));
    const slug = box.dataset.mapOwn, colour = states.length ? ["match", ["get", "state"], ...states, box.dataset.colour] : box.dataset.colour;
    const show = () => {
      if (!map.getSource(slug)) {
        map.addSource(slug, { type: "vector", tiles: [`${location.origin}/tiles/${slug}/{z}/{x}/{y}.mvt`], maxzoom: 16 });
        const common = { source: slug, "source-layer": slug };
        map.addLayer({ ...common, id: `own-${slug}-fill`, type: "fill", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": colour, "fill-opacity": 0.35 } });
        map.addLayer({ ...common, id: `own-${slug}-line`, type: "line", filter: ["!=", ["geometry-type"], "Point"], paint: { "line-color": colour, "line-width": 2 } });
        map.addLayer({ ...common, id: `own-${slug}-dot`, type: "circle", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-color": colour, "circle-radius": ["case", ["has", "n"], ["interpolate", ["linear"], ["ln", ["+", 1, ["get", "n"]]], 0, 4, 7, 20], 6], "circle-stroke-color": "#fff", "circle-stroke-width": 1.5 } });
      }
      for (const part of ["fill", "line", "dot"]) map.setLayoutProperty(`own-${slug}-${part}`, "visibility", box.checked ? "visible" : "none");
    };
    box.addEventListener("change", show);
    if (box.checked) map.once("load", show);
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
}

// The same layer of a service as heat or as points: <input type="radio" data-map-way="heat|points" value="LAYER">.
function ways(map) {
  const boxes = [...document.querySelectorAll("[data-map-way]")];
  const show = () => {
    const chosen = boxes.some(({ checked }) => checked); // then those of the page, which are a part, are in the way
    for (const mark of map.getContainer().querySelectorAll(".mark")) mark.hidden = chosen;
    for (const { value: name, checked, dataset } of boxes) {
      const heat = dataset.mapWay === "heat";
      if (heat && checked && !map.getLayer(`heat-${name}`)) {
        map.addLayer({ id: `heat-${name}`, type: "heatmap", source: name, "source-layer": name, paint: {
          "heatmap-intensity": ["step", ["zoom"], 1.8, 14, 0.8], "heatmap-opacity": 0.8,
          "heatmap-radius": ["interpolate", ["linear"], ["zoom"], 9, 14, 13, 26, 17, 48],
          "heatmap-color": ["interpolate", ["linear"], ["heatmap-density"], 0, "rgba(42,58,148,0)", 0.2, "#5566c4", 0.45, "#c98b1f", 0.7, "#c8501e", 1, "#7d1414"],
        } }, map.getLayer("place-names") && "place-names");
        // The hottest is what is hottest here: a tile counts from afar (n), and has each one from near.
        let most = 0;
        map.on("idle", () => {
          const here = Math.max(1, ...map.querySourceFeatures(name, { sourceLayer: name }).map(({ properties }) => properties.n || 1));
          if (here !== most) map.setPaintProperty(`heat-${name}`, "heatmap-weight", ["^", ["/", ["coalesce", ["get", "n"], 1], most = here], 0.6]);
        });
      }
      for (const id of heat ? [`heat-${name}`] : [`extra-${name}`, `extra-${name}-n`])
        if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", checked ? "visible" : "none");
    }
  };
  for (const box of boxes) {
    box.closest("[data-map-tools]").hidden = false;
    box.addEventListener("change", show);
  }
  if (boxes.length) map.once("load", show);
}

for (const place of document.querySelectorAll("[data-map-pick]")) {
  const input = document.getElementById(place.dataset.mapPick);
  if (!input) continue;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button quiet", textContent: place.dataset.label || "🗺" });
  place.append(button);
  button.addEventListener("click", async () => {
    button.remove();
    const element = Object.assign(document.createElement("div"), { className: "map" });
    element.dataset.pick = "";
    place.append(element);
    const map = await draw(element);
    const { Marker } = await load(element);
    let mark;
    const put = (at) => {
      if (!mark) {
        mark = new Marker({ color: "#c8501e", draggable: true }).setLngLat(at).addTo(map);
        mark.on("dragend", () => tell(mark.getLngLat())); // `on` answers a subscription, not the mark
      }
      mark.setLngLat(at);
    };
    const tell = ({ lng, lat }) => { input.value = `${lat.toFixed(6)}, ${lng.toFixed(6)}`; };
    map.on("click", ({ lngLat }) => { put(lngLat); tell(lngLat); });
    // With keys: arrows move the map under the cross, Enter takes the place under it.
    element.append(Object.assign(document.createElement("span"), { className: "mapcross" }));
    map.getCanvas().addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      put(map.getCenter());
      tell(map.getCenter());
    });
    const known = /^\s*(-?\d+\.\d+)\s*,\s*(-?\d+\.\d+)\s*$/.exec(input.value);
    if (known) { put([Number(known[2]), Number(known[1])]); map.jumpTo({ center: [Number(known[2]), Number(known[1])], zoom: 16 }); }
  }, { once: true });
}
