"use strict";
// Zooms timelines: a track gets wider in a box that scrolls. Without this script they are there as a whole.
for (const figure of document.querySelectorAll("figure.timeline")) {
  const [box, track, says] = ["div.scroll", "div.track", "output"].map((part) => figure.querySelector(part));
  let zoom = 1;
  const to = (wanted) => {
    const next = Math.min(64, Math.max(1, wanted));
    // What is in the middle stays there.
    const middle = (box.scrollLeft + box.clientWidth / 2) / zoom;
    zoom = next;
    track.style.width = `${zoom * 100}%`;
    box.scrollLeft = middle * zoom - box.clientWidth / 2;
    says.textContent = `${zoom} x`;
  };
  const does = { in: () => to(zoom * 2), out: () => to(zoom / 2), whole: () => to(1) };
  figure.querySelector("div.zoom").hidden = false;
  figure.addEventListener("click", (event) => does[event.target.dataset.zoom]?.());
  const keys = { "+": "in", "=": "in", "-": "out", "0": "whole" };
  figure.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    does[keys[event.key]]();
  });
}
