// Dark and light: as the system says until the reader chooses. A page opened from disk may be denied storage; then the
// choice is kept in the name of the window, which survives a reload.
(() => {
  const root = document.documentElement, button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const recall = () => {
    try { return localStorage.getItem("msde-theme"); } catch { return (/^msde-theme:(dark|light)$/.exec(window.name) || [])[1]; }
  };
  const remember = (theme) => {
    try { localStorage.setItem("msde-theme", theme); } catch { window.name = `msde-theme:${theme}`; }
  };
  const current = () => root.dataset.theme || (system.matches ? "dark" : "light");
  const show = () => {
    const other = current() === "dark" ? "light" : "dark";
    button.textContent = other === "dark" ? "Dark" : "Light";
    button.setAttribute("aria-label", `Show the page in ${other}`);
    redrawAll();
  };
  const known = recall();
  if (known === "dark" || known === "light") root.dataset.theme = known;
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = current() === "dark" ? "light" : "dark";
    remember(root.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  // On paper, always light; what is folded away stays so, and "Open all" unfolds the parts of all runs.
  let before;
  addEventListener("beforeprint", () => { before = root.dataset.theme; root.dataset.theme = "light"; redrawAll(); });
  addEventListener("afterprint", () => {
    if (before) root.dataset.theme = before; else delete root.dataset.theme;
    show();
  });
  const unfold = document.getElementById("unfold"), parts = [...document.querySelectorAll("details.part")];
  if (unfold) {
    unfold.hidden = false;
    unfold.addEventListener("click", () => {
      const open = unfold.getAttribute("aria-pressed") !== "true";
      for (const part of parts) part.open = open;
      unfold.setAttribute("aria-pressed", String(open));
      unfold.textContent = open ? "Close all" : "Open all";
    });
  }
  show();
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const [id, link] of links) link.setAttribute("aria-current", String(id === entry.target.id));
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const section of document.querySelectorAll("main > section")) seen.observe(section);
})();
