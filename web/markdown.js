// Markdown to DOM: the one module that turns text into elements. Parse (no HTML), then sanitise, then hand over
// nodes; nothing here or elsewhere assigns markup as a string. Remote things never load: images are dropped and a
// link becomes a button that names its host and asks before it opens.

import MarkdownIt from "./vendor/markdown-it.js";
import DOMPurify from "./vendor/dompurify.js";

const parser = new MarkdownIt({ html: false, linkify: false, breaks: true, typographer: false });
parser.disable("image");

const allowed = {
  ALLOWED_TAGS: [
    "p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a",
    "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
  ],
  ALLOWED_ATTR: ["href", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  RETURN_DOM_FRAGMENT: /** @type {const} */ (true),
};

/** @param {string} source @returns {DocumentFragment} */
export function markdown(source) {
  const nodes = DOMPurify.sanitize(parser.render(source), allowed);
  for (const link of nodes.querySelectorAll("a")) link.replaceWith(externalLink(link));
  // The page has its own h1 and h2; a text inside it starts lower, so that the outline stays true.
  for (const heading of nodes.querySelectorAll("h1, h2, h3, h4, h5, h6")) heading.replaceWith(asParagraphHeading(heading));
  for (const wide of nodes.querySelectorAll("pre, table")) scrollable(wide);
  return nodes;
}

/** A link without an address in the document: nothing to prefetch, nothing to follow by mistake. @param {Element} link */
function externalLink(link) {
  const address = link.getAttribute("href");
  const text = link.textContent ?? "";
  if (!address) return document.createTextNode(text);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "external";
  const host = address.startsWith("mailto:") ? address.slice(7) : new URL(address).host;
  button.textContent = text.includes(host) ? text : `${text} (${host})`;
  button.addEventListener("click", () => {
    if (confirm(`Open this address outside offrecord? It needs a network.\n\n${address}`)) {
      window.open(address, "_blank", "noopener,noreferrer");
    }
  });
  return button;
}

/** @param {Element} heading */
function asParagraphHeading(heading) {
  const title = document.createElement("p");
  title.className = "md-heading";
  title.append(...heading.childNodes);
  return title;
}

/** A wide block scrolls by itself and can be reached by keyboard. @param {Element} block */
function scrollable(block) {
  const frame = document.createElement("div");
  frame.className = "md-wide";
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", block.localName === "pre" ? "Code" : "Table");
  block.replaceWith(frame);
  frame.append(block);
}
