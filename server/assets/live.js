// Fetches the part of the page that lives again when the server says that something changed. Without this script the
// page still reads; it then shows what was true when it was loaded.
(() => {
  const part = document.getElementById("live");
  if (!part || !window.EventSource) return;
  const PAUSE_MS = 700;
  let waiting = false;
  let again = false;
  async function refresh() {
    if (waiting) { again = true; return; }
    waiting = true;
    try {
      const answer = await fetch(part.dataset.live, { headers: { "x-cutover-part": "live" } });
      if (answer.status === 401) { location.reload(); return; }
      if (answer.ok) {
        const open = [...part.querySelectorAll("details")].map((d) => d.open);
        part.innerHTML = await answer.text();
        part.querySelectorAll("details").forEach((d, i) => { d.open = open[i] ?? false; });
      }
    } catch { /* the next event tries again */ }
    setTimeout(() => { waiting = false; if (again) { again = false; refresh(); } }, PAUSE_MS);
  }
  const source = new EventSource("/live");
  source.addEventListener("changed", refresh);
  source.addEventListener("open", refresh);
})();
