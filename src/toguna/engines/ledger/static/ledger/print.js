// To a printer of rolls: by Bluetooth where the browser can (Chrome on Android and on desks); the link to RawBT and the
// PDF beside it need none of this.
const SERVICES = [0x18f0, 0xff00, 0xffe0, "49535343-fe7d-4ae5-8fa9-9fafd205e455", "e7810a71-73ae-499d-8c15-faa9aef0c3f2"];
const STEP = 180; // bytes that even old printers take at once

async function channel(device) {
  const server = await device.gatt.connect();
  for (const service of await server.getPrimaryServices()) {
    for (const one of await service.getCharacteristics()) {
      if (one.properties.writeWithoutResponse || one.properties.write) return one;
    }
  }
  throw new Error("no channel to write to");
}

// Sends bytes to the printer that was chosen last, or to the one that is chosen now. Throws; NotFoundError when none is chosen.
export async function toPrinter(bytes) {
  const known = (await navigator.bluetooth.getDevices?.()) ?? [];
  const name = localStorage.getItem("printer");
  const device = known.find((one) => one.name === name)
    ?? (await navigator.bluetooth.requestDevice({ acceptAllDevices: true, optionalServices: SERVICES }));
  const [out, raw] = await Promise.all([channel(device), bytes()]);
  for (let at = 0; at < raw.length; at += STEP) {
    const part = raw.subarray(at, at + STEP);
    if (out.properties.write) await out.writeValueWithResponse(part);
    else { await out.writeValueWithoutResponse(part); await new Promise((go) => setTimeout(go, 20)); }
  }
  localStorage.setItem("printer", device.name ?? "");
  device.gatt.disconnect();
}

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(String(answer.status));
  return new Uint8Array(await answer.arrayBuffer());
}

async function print(button) {
  const status = button.parentElement.querySelector("[role=status]");
  button.disabled = true;
  try {
    await toPrinter(() => fetched(button.dataset.bytes));
    status.textContent = button.dataset.done;
  } catch (error) {
    if (error.name !== "NotFoundError") status.textContent = `${button.dataset.failed} (${error.message})`;
  }
  button.disabled = false;
}

for (const button of document.querySelectorAll("button[data-bytes]")) {
  if (!navigator.bluetooth) continue;
  button.hidden = false;
  button.addEventListener("click", () => print(button));
}
for (const button of document.querySelectorAll("button[data-page]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
