// The status page's charts, and its numbers kept young. Without it the page shows the numbers of the
// moment it was made.
"use strict";

(() => {
  const REFRESH_MS = 30000;
  const page = document.getElementById("status");
  const language = document.documentElement.lang;
  const charts = new Map(); // by <figure>
  let latest = null;

  // --- times, as the reader's clock has them -------------------------------------------------

  const timeFormat = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

  function showTime(element, time) {
    if (time) element.textContent = timeFormat.format(new Date(time));
  }

  function stepFormat(data, count) {
    const isLong = data.step * count > 36 * 3600 * 1000;
    const hasTime = !isLong || data.step < 12 * 3600 * 1000;
    return new Intl.DateTimeFormat(language, {
      ...(isLong ? { day: "numeric", month: "short" } : {}),
      ...(hasTime ? { hour: "numeric", minute: "2-digit" } : {}),
    });
  }

  // --- charts --------------------------------------------------------------------------------

  function valuesOf(name, figure, data, count) {
    if (name === "limit") return Array(count).fill(data.limit);
    const values = data.series[name] || Array(count).fill(null);
    if (figure.dataset.unit !== "second") return values;
    return values.map((value) => (value === null ? null : value / (data.step / 1000)));
  }

  function datasetsOf(figure, data, count, style) {
    const kind = figure.dataset.kind;
    return [...figure.querySelectorAll(".keys li")].map((key, i) => {
      const colour = style.getPropertyValue(`--c${i + 1}`).trim();
      return {
        label: key.textContent,
        data: valuesOf(key.dataset.series, figure, data, count),
        borderColor: colour,
        backgroundColor: kind === "areas" ? colour + "99" : colour,
        borderWidth: kind === "bars" ? 0 : 2,
        borderDash: key.dataset.series === "limit" ? [6, 4] : [],
        pointRadius: 0,
        pointHitRadius: 8,
        fill: kind === "areas",
        stepped: kind === "steps",
        barPercentage: 1,
        categoryPercentage: 0.9,
      };
    });
  }

  function optionsOf(kind, style) {
    const ink = style.getPropertyValue("--faint").trim();
    const grid = style.getPropertyValue("--line").trim();
    const stacked = kind === "bars" || kind === "areas";
    return {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: { legend: { display: false } },
      scales: {
        x: { stacked, ticks: { color: ink, maxRotation: 0, autoSkipPadding: 16 }, grid: { display: false } },
        y: { stacked, beginAtZero: true, suggestedMax: 1, ticks: { color: ink, maxTicksLimit: 5 }, grid: { color: grid } },
      },
    };
  }

  function draw(data) {
    const count = Math.max(...Object.values(data.series).map((line) => line.length));
    const format = stepFormat(data, count);
    const labels = Array.from({ length: count }, (_, i) => format.format(new Date(data.from + i * data.step)));
    const style = getComputedStyle(document.documentElement);
    for (const figure of document.querySelectorAll("figure")) {
      const kind = figure.dataset.kind;
      const shown = { labels, datasets: datasetsOf(figure, data, count, style) };
      const chart = charts.get(figure);
      if (chart) {
        chart.data = shown;
        chart.options = optionsOf(kind, style);
        chart.update();
      } else {
        const type = kind === "bars" ? "bar" : "line";
        charts.set(figure, new Chart(figure.querySelector("canvas"), { type, data: shown, options: optionsOf(kind, style) }));
      }
    }
  }

  // --- numbers -------------------------------------------------------------------------------

  function showFacts(data) {
    for (const element of document.querySelectorAll("[data-fact]")) {
      const text = data.facts[element.dataset.fact];
      if (text === undefined) continue;
      element.textContent = text;
      if (element.dataset.time !== undefined && !Number.isNaN(Date.parse(text))) showTime(element, text);
    }
    for (const element of document.querySelectorAll("[data-concern]")) {
      element.hidden = !data.concerns.includes(element.dataset.concern);
    }
  }

  async function refresh() {
    const stale = document.getElementById("stale");
    try {
      const answer = await fetch(`${page.dataset.source}?range=${page.dataset.span}`, { cache: "no-store" });
      if (answer.status === 401) {
        location.reload(); // to the form for the key
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      latest = await answer.json();
      showFacts(latest);
      if (window.Chart) draw(latest);
      stale.hidden = true;
    } catch {
      stale.hidden = false;
    }
  }

  document.querySelectorAll("time").forEach((element) => showTime(element, element.dateTime));
  document.querySelectorAll("[data-time]").forEach((element) => showTime(element, element.dataset.time));
  document.querySelector(".charts").hidden = !window.Chart;
  document.getElementById("no-library").hidden = Boolean(window.Chart);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (latest && window.Chart) draw(latest);
  });
  setInterval(() => {
    if (!document.hidden) refresh();
  }, REFRESH_MS);
  refresh();
})();
