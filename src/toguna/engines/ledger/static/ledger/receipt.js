// A receipt checked with no network: Ed25519 (RFC 8032) in whole numbers, because telephones of before 2025 have none of
// their own. Once this page is loaded it needs nothing more: the town's keys stand in it.
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const mod = (a, m = P) => ((a % m) + m) % m;

function power(base, exponent) {
  let result = 1n;
  for (base = mod(base); exponent; exponent >>= 1n, base = mod(base * base)) if (exponent & 1n) result = mod(result * base);
  return result;
}
const inverse = (a) => power(a, P - 2n);
const D = mod(-121665n * inverse(121666n));
const ROOT = power(2n, (P - 1n) / 4n);

function root(y, odd) { // x of a point, from its y and the lowest bit of x; null when there is none
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n));
  let x = power(square, (P + 3n) / 8n);
  if (mod(x * x - square)) x = mod(x * ROOT);
  if (mod(x * x - square) || (!x && odd)) return null;
  return (x & 1n) === BigInt(odd) ? x : P - x;
}

// Points as [X, Y, Z, T] with x = X/Z, y = Y/Z, xy = T/Z.
function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2)), b = mod((y1 + x1) * (y2 + x2)), c = mod(2n * t1 * t2 * D), d = mod(2n * z1 * z2);
  const e = b - a, f = d - c, g = d + c, h = b + a;
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}
function times(n, point) {
  let sum = [0n, 1n, 1n, 0n];
  for (; n; n >>= 1n, point = add(point, point)) if (n & 1n) sum = add(sum, point);
  return sum;
}
const same = ([x1, y1, z1], [x2, y2, z2]) => mod(x1 * z2) === mod(x2 * z1) && mod(y1 * z2) === mod(y2 * z1);

const whole = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
function point(bytes) {
  const said = whole(bytes), odd = Number(said >> 255n), y = said & ((1n << 255n) - 1n);
  if (y >= P) return null;
  const x = root(y, odd);
  return x === null ? null : [x, y, 1n, mod(x * y)];
}
const BASE_Y = mod(4n * inverse(5n)), BASE_X = root(BASE_Y, 0), BASE = [BASE_X, BASE_Y, 1n, mod(BASE_X * BASE_Y)];

export async function verified(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64) return false;
  const a = point(key), r = point(signature.subarray(0, 32)), s = whole(signature.subarray(32));
  if (!a || !r || s >= L) return false;
  const all = new Uint8Array(64 + message.length);
  all.set(signature.subarray(0, 32)); all.set(key, 32); all.set(message, 64);
  const k = whole(new Uint8Array(await crypto.subtle.digest("SHA-512", all))) % L;
  return same(times(s, BASE), add(r, times(k, a)));
}

function bytes(said) {
  const raw = atob(said.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

// What the town signed in these words of a QR, or null.
export async function heard(said, keys) {
  const parts = said.trim().slice(0, 1000).split("#").pop().split("?s=").pop().split(".");
  if (parts.length !== 3 || parts[0] !== "T1") return null;
  try {
    const facts = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes(parts[1])));
    const key = keys[facts[0]];
    if (!key || !(await verified(bytes(key), new TextEncoder().encode(`T1.${parts[1]}`), bytes(parts[2])))) return null;
    const [, number, day, amount, currency, payer] = facts;
    return { number, day, amount, currency, payer };
  } catch { return null; }
}

const place = document.getElementById("offline-check");
if (place && window.crypto?.subtle) {
  const keys = JSON.parse(document.getElementById("receipt-keys").textContent);
  const words = place.dataset, answer = place.querySelector("[role=status]"), field = place.querySelector("textarea");
  const tell = async (said) => {
    if (!said.trim()) return;
    const facts = await heard(said, keys);
    answer.className = facts ? "notice" : "notice warn";
    answer.textContent = "";
    const line = (text, strong) => {
      const p = document.createElement("p"), inner = document.createElement(strong ? "strong" : "span");
      inner.textContent = text; p.append(inner); answer.append(p);
    };
    line(facts ? words.good : words.bad, true);
    if (!facts) return;
    const currency = { XOF: "FCFA", XAF: "FCFA" }[facts.currency] ?? facts.currency;
    const exponent = Number(JSON.parse(words.exponents)[facts.currency] ?? 2);
    const amount = (facts.amount / 10 ** exponent).toLocaleString(document.documentElement.lang, { minimumFractionDigits: exponent });
    for (const said of [facts.number, facts.day, `${amount} ${currency}`, facts.payer]) if (said) line(said);
    line(words.void);
  };
  place.hidden = false;
  place.querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); tell(field.value); });
  const camera = place.querySelector("[data-camera]");
  if ("BarcodeDetector" in window && navigator.mediaDevices?.getUserMedia) {
    camera.hidden = false;
    camera.addEventListener("click", async () => {
      const video = place.querySelector("video");
      let stream;
      try { stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }); } catch { return; }
      video.srcObject = stream; video.hidden = false; await video.play();
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      const look = async () => {
        const [found] = await detector.detect(video).catch(() => []);
        if (!found) return video.hidden ? undefined : requestAnimationFrame(look);
        for (const track of stream.getTracks()) track.stop();
        video.hidden = true; field.value = found.rawValue; await tell(found.rawValue);
      };
      look();
    });
  }
}
