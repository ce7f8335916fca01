// Times in the zone of the reader. The server writes them in its own; both have the same length, so nothing moves.
import { $, onContent } from "./dom.js";

const two = (number) => String(number).padStart(2, "0");

const written = (time, form) => {
  const day = `${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}`;
  if (form === "minute") return `${day} ${clock}`;
  const whole = `${day} ${clock}:${two(time.getSeconds())}`;
  return form === "precise" ? `${whole}.${String(time.getMilliseconds()).padStart(3, "0")}` : whole;
};

export const start = () => {
  const zone = $("zone");
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || !mine || mine === zone.dataset.zone) return;
  onContent((within) => {
    for (const each of within.querySelectorAll("time[data-form]")) {
      const time = new Date(each.dateTime);
      if (!Number.isNaN(time.getTime())) each.textContent = written(time, each.dataset.form);
    }
  });
  zone.textContent = `times in ${mine}, days in ${zone.dataset.zone}`;
};
