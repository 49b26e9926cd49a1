// Checks while typing: when a field is left, it says what is wrong with it. The service checks again; its word counts.
const form = document.getElementById("form");
const today = form.dataset.today;

const pad = (n) => String(n).padStart(2, "0");
const day = (text) => {
  if (/^(heute|today)$/i.test(text)) return today;
  const found = /^(\d{1,2})\s*\.\s*(\d{1,2})\s*\.\s*(\d{4}|\d{2})$/.exec(text) || /^(\d\d)(\d\d)(\d{4}|\d\d)$/.exec(text);
  const iso = found ? `${found[3].length === 2 ? "20" + found[3] : found[3]}-${pad(found[2])}-${pad(found[1])}` : text;
  if (!/^\d{4}-\d\d-\d\d$/.test(iso)) return null;
  const there = new Date(iso + "T00:00:00Z");
  return !isNaN(there) && there.toISOString().slice(0, 10) === iso ? iso : null;
};
const checks = {
  needed: (text) => text !== "",
  date: (text) => text === "" || day(text) !== null,
  past: (text) => text === "" || day(text) === null || day(text) <= today,
  money: (text) => /^$|^(\d{1,3}(\.\d{3})+|\d+)(,\d{1,2})?$|^\d+\.\d{1,2}$/.test(text.replace(/\s|€|EUR/g, "")),
  time: (text) => /^$|^([01]?\d|2[0-3])([:.][0-5]\d)?\s*(uhr)?$/i.test(text),
  postcode: (text) => /^(\d{5})?$/.test(text),
};
const check = (field) => {
  const names = (field.dataset.check || "").split(" ").flatMap((name) => (name === "past" ? ["date", "past"] : [name]));
  const broken = names.find((name) => checks[name] && !checks[name](field.value.trim()));
  document.getElementById(field.id + "-wrong").textContent = broken ? TEXTS[broken] : "";
  if (broken) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
};
for (const field of form.querySelectorAll("[data-check]")) {
  field.addEventListener("change", () => check(field));
  field.addEventListener("input", () => field.hasAttribute("aria-invalid") && check(field));
}
// A draft that is saved half-way comes back with the cursor where it was.
form.addEventListener("submit", () => { form.elements.namedItem("at").value = document.activeElement?.name || ""; });
