// The page is light or dark as the system is; `d` changes it, and ?theme=dark asks for it.
const root = document.documentElement;
const asked = new URLSearchParams(location.search).get("theme");
if (asked) root.style.colorScheme = asked;
function changeTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.style.colorScheme || (dark ? "dark" : "light");
  root.style.colorScheme = now === "dark" ? "light" : "dark";
}
for (const button of document.querySelectorAll("[data-turn]")) {
  button.addEventListener("click", () => Reveal[button.dataset.turn]());
}
Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0,
  maxScale: 4,
  center: false,
  display: "flex",
  controls: false,
  progress: false,
  hash: true,
  transition: "none",
  // Every slide stays laid out, so that MathJax can measure the formulas of all of them.
  viewDistance: 1000,
  mobileViewDistance: 1000,
  keyboard: {68: changeTheme},
  plugins: [RevealNotes],
});
