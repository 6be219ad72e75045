// Betterments only: every page works without this file.

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 15000);
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((f) => delete f.dataset.sent));

// "Where I am": fills the latitude and longitude of its form.
for (const button of document.querySelectorAll("[data-gps]")) {
  if (!navigator.geolocation) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    const say = (text) => { button.parentElement.querySelector("[data-gps-says]").textContent = text; };
    say("…");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const field = document.getElementById(button.dataset.gps);
        field.value = `${coords.latitude.toFixed(6)}, ${coords.longitude.toFixed(6)}`;
        field.dispatchEvent(new Event("change", { bubbles: true }));
        say(`± ${Math.round(coords.accuracy)} m`);
      },
      () => say(button.dataset.gpsFails),
      { enableHighAccuracy: true, timeout: 20000, maximumAge: 60000 },
    );
  });
}

// Photos are made small before they are sent: on 2G that is the difference between a minute and an hour.
for (const input of document.querySelectorAll("input[type=file][data-shrink]")) {
  input.addEventListener("change", async () => {
    const small = new DataTransfer();
    for (const file of input.files) {
      try {
        const picture = await createImageBitmap(file);
        const scale = Math.min(1, 1600 / Math.max(picture.width, picture.height));
        const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
        canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
        const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.8));
        small.items.add(blob && blob.size < file.size ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file);
      } catch { small.items.add(file); }
    }
    input.files = small.files;
  });
}
