// Charts: the same figures as the drawing they replace, with axes, a readout, a part to choose and a way to the list.
import { all, here, onContent } from "./dom.js";

const HEIGHT = 150;
const LIBRARY = new URL("./vendor/uPlot.iife.min.js", import.meta.url);
const STYLE = new URL("./vendor/uPlot.min.css", import.meta.url);
const UNITS = {
  count: (value) => value.toLocaleString("en", { maximumFractionDigits: 0 }),
  share: (value) => `${(value * 100).toLocaleString("en", { maximumFractionDigits: 1 })}%`,
  seconds: (value) => (value < 1 ? `${Math.round(value * 1000)}ms` : `${value.toLocaleString("en", { maximumFractionDigits: 2 })}s`),
  dollars: (value) => `$${value.toLocaleString("en", { maximumSignificantDigits: 4 })}`,
};

let loading = null;

const load = () => {
  loading ??= new Promise((done, failed) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = STYLE.href;
    const script = document.createElement("script");
    script.src = LIBRARY.href;
    script.onload = () => done(window.uPlot);
    script.onerror = failed;
    document.head.append(style, script);
  });
  return loading;
};

const colour = (figure, style) => {
  const sample = document.createElement("i");
  sample.className = `key s-${style}`;
  figure.append(sample);
  const found = getComputedStyle(sample).getPropertyValue("--s").trim();
  sample.remove();
  return found || "gray";
};

const two = (number) => String(number).padStart(2, "0");

// The hour, or the day where a day begins or the steps are days.
const when = (seconds, step) => {
  const at = new Date(seconds * 1000);
  const midnight = at.getHours() === 0 && at.getMinutes() === 0;
  if (midnight || step >= 86400) return `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
};

const between = (path, since, until) => {
  const address = new URL(path, location.href);
  address.searchParams.set("since", String(Math.round(since)));
  address.searchParams.set("until", String(Math.round(until)));
  return address.pathname + address.search;
};

const options = (uPlot, figure, data, box) => {
  const say = UNITS[data.unit];
  const style = getComputedStyle(figure);
  const ink = style.getPropertyValue("--pale").trim();
  const faint = style.getPropertyValue("--faint").trim();
  const axis = { stroke: ink, grid: { stroke: faint, width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width: box.clientWidth,
    height: HEIGHT,
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 5 } },
    legend: { live: true },
    scales: { y: { range: (_, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      { ...axis, space: 70, size: 28, values: (_, found, __, ___, step) => found.map((each) => when(each, step)) },
      { ...axis, size: 58, values: (_, found) => found.map((value) => say(value)) },
    ],
    series: [
      { label: "time", value: "{MM}-{DD} {HH}:{mm}" },
      ...data.lines.map((line) => {
        const stroke = colour(figure, line.style);
        return {
          label: line.name,
          stroke,
          fill: data.columns ? stroke : undefined,
          width: data.columns ? 0 : 1.75,
          spanGaps: true,
          paths: data.columns ? uPlot.paths.bars({ size: [0.8, 40], align: 1 }) : undefined,
          points: { show: !data.columns && line.values.filter((value) => value !== null).length < 40, size: 4 },
          value: (_, value) => (value === null || value === undefined ? "–" : say(value)),
        };
      }),
    ],
    hooks: {
      setSelect: [(plot) => {
        if (plot.select.width < 4) return;
        const since = plot.posToVal(plot.select.left, "x");
        const until = plot.posToVal(plot.select.left + plot.select.width, "x");
        location.assign(here({ since: String(Math.round(since)), until: String(Math.round(until + data.step)) }));
      }],
    },
  };
};

const draw = async (figure) => {
  const uPlot = await load();
  const data = JSON.parse(figure.dataset.chart);
  const box = figure.querySelector(".plot");
  if (!box.isConnected || box.clientWidth === 0 || data.times.length === 0) return;
  const place = document.createElement("div");
  const plot = new uPlot(options(uPlot, figure, data, box), [data.times, ...data.lines.map((line) => line.values)], place);
  place.setAttribute("aria-hidden", "true"); // the drawing it replaces says the same in words
  box.querySelector("svg").classList.add("unseen");
  box.querySelector(".highest").hidden = true;
  box.append(place);
  let down = 0;
  plot.over.addEventListener("mousedown", (event) => { down = event.clientX; });
  plot.over.addEventListener("click", (event) => {
    if (Math.abs(event.clientX - down) > 3 || plot.cursor.idx === null || plot.cursor.idx === undefined) return;
    const since = data.times[plot.cursor.idx];
    location.assign(between(data.path, since, since + data.step));
  });
  new ResizeObserver(() => {
    if (box.clientWidth > 0 && box.clientWidth !== plot.width) plot.setSize({ width: box.clientWidth, height: HEIGHT });
  }).observe(box);
};

export const start = () => {
  onContent((within) => {
    for (const figure of all("figure[data-chart]", within)) draw(figure).catch(() => {});
  });
};
