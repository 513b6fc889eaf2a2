"use strict";
// What all parts of the page use. Texts are set as text, never as markup.
const DATA = JSON.parse(document.getElementById("data").textContent);
const tip = document.getElementById("tip");

function make(name, properties, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties || {})) {
    if (key === "class") element.className = value;
    else if (key.startsWith("aria-") || key === "role" || key === "scope" || key === "for") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

const images = new Map();
function faceImage(place) {
  // A promise of the decoded face; each face is decoded once.
  if (!images.has(place)) {
    images.set(place, new Promise((resolve, reject) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.onerror = () => reject(new Error("a face cannot be decoded"));
      image.src = DATA.faces[place];
    }));
  }
  return images.get(place);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The tip stands beside the pointer, or beside an element that the keyboard reached, and then moves with it.
let anchor = null;
function showTip(text, x, y, face, element) {
  tip.replaceChildren();
  if (typeof face === "number") tip.append(make("img", { src: DATA.faces[face], alt: "" }));
  tip.append(text);
  if (typeof face === "string") tip.append(make("em", {}, face));
  tip.hidden = false;
  const box = element ? element.getBoundingClientRect() : null;
  anchor = box ? { element, x: x - box.left, y: y - box.top } : null;
  placeTip(x, y);
}

function placeTip(x, y) {
  const box = tip.getBoundingClientRect();
  const left = Math.min(x + 14, innerWidth - box.width - 8);
  const below = y + 16 + box.height < innerHeight;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${Math.max(8, below ? y + 16 : y - box.height - 12)}px`;
}

function hideTip() { tip.hidden = true; anchor = null; }

function say(text) { document.getElementById("said").textContent = text; }

const redraws = [];
function redrawAll() { for (const redraw of redraws) redraw(); }

document.addEventListener("pointermove", (event) => {
  const target = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
  if (target) showTip(target.dataset.tip, event.clientX, event.clientY);
  else if (!(event.target instanceof HTMLCanvasElement)) hideTip();
});
document.addEventListener("focusin", (event) => {
  const target = event.target;
  if (target instanceof HTMLElement && target.dataset.tip) {
    const box = target.getBoundingClientRect();
    showTip(target.dataset.tip, box.right - 10, box.bottom - 12, undefined, target);
  } else hideTip();
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTip(); });
document.addEventListener("scroll", () => {
  if (!anchor) { hideTip(); return; }
  const box = anchor.element.getBoundingClientRect();
  placeTip(box.left + anchor.x, box.top + anchor.y);
}, { passive: true });
