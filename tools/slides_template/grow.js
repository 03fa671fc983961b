// What is on a slide grows until the slide is full, so that the last row of a room reads it too.
// Code grows as far as its longest line allows; a slide with a picture gives its room to that.
const LETTERS = 35, LEFT = 20; // px: the largest text, and the room that stays below it
function scale(part, size) {
  part.style.zoom = size;
  const fits = Math.min(1, ...[...part.querySelectorAll("pre")].map(room));
  if (fits < 1) part.style.zoom = Math.max(1, Math.floor(size * fits * 20) / 20);
}
function room(pre) {
  const lines = document.createRange();
  lines.selectNodeContents(pre);
  const inside = 0.98 * pre.getBoundingClientRect().width; // without the edge on both sides
  return inside / lines.getBoundingClientRect().width;
}
function fits(body) {
  return body.scrollWidth <= body.clientWidth
    && body.lastElementChild.getBoundingClientRect().bottom + LEFT * shown(body)
      <= body.getBoundingClientRect().bottom;
}
function shown(body) {
  return body.getBoundingClientRect().width / body.offsetWidth; // how large the deck is shown
}
function grow() {
  for (const body of document.querySelectorAll(".sheet .body:not(:has(img)):has(.part)")) {
    const largest = LETTERS / parseFloat(getComputedStyle(body).fontSize);
    for (let size = largest; size > 1; size -= 0.05) {
      for (const part of body.children) scale(part, size);
      if (fits(body)) break;
      for (const part of body.children) part.style.zoom = 1;
    }
  }
}
