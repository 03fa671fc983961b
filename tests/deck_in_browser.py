"""What a browser says about a deck: sizes, contrast, formulas, and what does not fit."""

import re

READY = "window.Reveal && Reveal.isReady() && window.MathJax && MathJax.isReady"
SETTLED = "new Promise(done => MathJax.Hub.Queue(() => done(true)))"

# All slides of a deck are laid out at once, with the room that their fragments take.
MEASURE = r"""() => {
  const rgb = color => color.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const ground = node => {
    for (let at = node; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const contrast = node => {
    const [one, other] = [rgb(getComputedStyle(node).color), ground(node)].map(light);
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const meets = (one, other) => {
    const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
    const [right, bottom] = [Math.min(a.right, b.right), Math.min(a.bottom, b.bottom)];
    // Less than half a pixel is rounding, of a deck shown in another size.
    return right - Math.max(a.left, b.left) > 0.5 && bottom - Math.max(a.top, b.top) > 0.5;
  };
  return [...document.querySelectorAll("section.sheet")].map((slide, place) => {
    const one = selector => slide.querySelector(selector);
    const all = selector => [...slide.querySelectorAll(selector)];
    const texts = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
    const small = [], pale = [];
    let raw = "", smallest = 1000, smallestCode = 1000;
    while (texts.nextNode()) {
      const node = texts.currentNode, parent = node.parentElement;
      if (!node.data.trim() || parent.closest("aside, script, style")) continue;
      const ratio = contrast(parent);
      if (ratio < 4.5) pale.push(`${node.data.trim()}: ${ratio.toFixed(1)}`);
      if (parent.closest(".mjx-chtml, .MathJax_Preview")) continue;
      const size = parseFloat(getComputedStyle(parent).fontSize);
      const code = parent.closest("pre, code");
      if (size < (code ? 20 : 24)) small.push(`${node.data.trim()}: ${size} px`);
      if (code) smallestCode = Math.min(smallestCode, size);
      else { smallest = Math.min(smallest, size); raw += node.data; }
    }
    const body = one(".body"), frame = slide.getBoundingClientRect();
    const outside = all(".part, .part img, pre, h2, footer > *").filter(part => {
      const box = part.getBoundingClientRect();
      return box.left < frame.left - 1 || box.right > frame.right + 1
        || box.bottom > frame.bottom + 1;
    });
    const tex = all("script[type^='math/tex']");
    return {
      slide: place + 1,
      title: one("h2").textContent,
      kind: slide.className,
      down: body.scrollHeight - body.clientHeight,
      right: Math.max(0, ...[body, one(".where"), ...all("pre")]
        .map(part => part.scrollWidth - part.clientWidth)),
      outside: outside.map(part => part.className || part.tagName),
      in_window: frame.left >= -1 && frame.top >= -1
        && frame.right <= innerWidth + 1 && frame.bottom <= innerHeight + 1,
      covered: [["nav", ".where"], ["nav", ".number"], ["footer", ".body"]]
        .filter(([over, under]) => meets(one(over), one(under))),
      small, pale, smallest, smallestCode,
      formulas: tex.length,
      set: tex.filter(script => script.previousElementSibling?.matches(".mjx-chtml")
        && script.previousElementSibling.offsetHeight > 5).length,
      raw: (raw.match(/\$[^$\s][^$]*\$|\\\(/) || [""])[0],
      unnamed: all("img").filter(img => !img.alt.trim()).length,
      pictures: all("img").map(img => Math.min(img.clientWidth / img.getAttribute("width"),
        img.clientHeight / img.getAttribute("height"))),
      notes: one("aside.notes")?.textContent.trim() || "",
    };
  });
}"""

# From the first slide to the last as a clicker goes: what is in view after each press.
WALK = """() => {
  const seen = [];
  Reveal.slide(0, 0, -1);
  for (;;) {
    const { h, v, f } = Reveal.getIndices();
    const hidden = [...Reveal.getCurrentSlide().querySelectorAll(".fragment:not(.visible)")];
    seen.push({ h, v, f, hidden: hidden.length });
    Reveal.next();
    const now = Reveal.getIndices();
    if (now.h === h && now.f === f) return seen;
  }
}"""


def watched(browser, width=1280, height=720):
    """Return a page that writes down what it would fetch from the network, and refuses it."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.fetched, page.errors = [], []

    def refuse(route):
        page.fetched.append(route.request.url)
        route.abort()

    page.route(re.compile("^(https?|wss?):"), refuse)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda said: page.errors.append(said.text) if said.type == "error" else 0)
    page.on("requestfailed", lambda request: page.errors.append(f"no {request.url}"))
    return page


def show(page, deck):
    """Open a deck, and wait until its formulas are set."""
    page.goto(deck.as_uri())
    page.wait_for_function(READY)
    page.evaluate(SETTLED)


def faults(slide):
    """Return what is wrong with a measured slide, in words."""
    told = {
        f"{slide['down']} px too high": slide["down"] > 0,
        f"{slide['right']} px too wide": slide["right"] > 0,
        f"outside the slide: {slide['outside']}": slide["outside"],
        "not in the window": not slide["in_window"],
        f"the arrows cover {slide['covered']}": slide["covered"],
        f"small text: {slide['small']}": slide["small"],
        f"pale text: {slide['pale']}": slide["pale"],
        f"a formula is not set: {slide['raw']}": slide["raw"] or slide["set"] < slide["formulas"],
        "a picture without alt text": slide["unnamed"],
        f"a picture of {slide['pictures']} of its size": any(s < 1.3 for s in slide["pictures"]),
        "no notes": not slide["notes"],
    }
    where = f"slide {slide['slide']} ({slide['title']})"
    return [f"{where}: {fault}" for fault, is_one in told.items() if is_one]
