// Looks at what was drawn: texts that are cut off or lie on one another.
import { notes } from './notes.js';

const LEAST = 2;

/** Everything that is wrong with a drawn board. */
export function inspect({ board }) {
  const panels = new Map(board.panels.map((panel) => [String(panel.id), panel]));
  const found = [];
  for (const element of document.querySelectorAll('[data-panel]')) {
    const panel = panels.get(element.dataset.panel);
    const say = (kind, text) => found.push({ panel: panel.id, title: panel.title, kind, text });
    const texts = textsIn(element);
    if (panel.type === 'table' && texts.length < 2) {
      say('error', 'the table was not drawn');
    }
    for (const { node, text, box } of texts) {
      const by = cut(node, element, box);
      if (by) {
        say('cut', `${text.slice(0, 60)}: ${by}`);
      }
    }
    for (const box of element.querySelectorAll('*')) {
      if (['auto', 'scroll'].includes(getComputedStyle(box).overflowX) && box.scrollWidth > box.clientWidth + LEAST) {
        say('wide', `${box.scrollWidth - box.clientWidth} px lie outside and are reached by scrolling sideways`);
      }
    }
    // A box around a turned text says nothing of what lies on it.
    const upright = texts.filter(({ node }) => !node.parentElement.hasAttribute('transform'));
    const seen = upright.map((one) => ({ ...one, box: visible(one.node, element, one.box) })).filter(({ box }) => box.right > box.left && box.bottom > box.top);
    for (const [first, second] of overlapping(seen)) {
      say('overlap', `${first.text.slice(0, 40)} / ${second.text.slice(0, 40)}`);
    }
  }
  const { scrollWidth } = document.documentElement;
  return { found: [...notes(), ...once(found)], width: scrollWidth, height: document.getElementById('root').scrollHeight };
}

const once = (list) => [...new Map(list.map((one) => [JSON.stringify(one), one])).values()];

function textsIn(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const text = node.textContent.trim();
    const style = text && getComputedStyle(node.parentElement);
    if (!text || style.visibility === 'hidden' || style.opacity === '0' || ['STYLE', 'SCRIPT', 'TITLE'].includes(node.parentElement.tagName)) {
      continue;
    }
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width > 1 && box.height > 1) {
      texts.push({ node, text, box });
    }
  }
  return texts;
}

// A text is cut where a box around it hides what does not fit. What is outside of a box that scrolls is not cut.
function cut(node, root, box) {
  for (let element = node.parentElement; element && element !== root.parentElement; element = element.parentElement) {
    const style = getComputedStyle(element);
    const outer = element.getBoundingClientRect();
    const scrolls = ['auto', 'scroll'];
    if (scrolls.includes(style.overflowX) || scrolls.includes(style.overflowY)) {
      return null;
    }
    const hides = style.overflowX !== 'visible' || element === root;
    if (hides && (box.right > outer.right + LEAST || box.left < outer.left - LEAST)) {
      return `${Math.round(Math.max(box.right - outer.right, outer.left - box.left))} px too wide`;
    }
    if ((style.overflowY !== 'visible' || element === root) && (box.bottom > outer.bottom + box.height / 3 || box.top < outer.top - box.height / 3)) {
      return 'too high';
    }
  }
  return null;
}

// What can be seen of a text's box.
function visible(node, root, { left, right, top, bottom }) {
  const box = { left, right, top, bottom };
  for (let element = node.parentElement; element && element !== root.parentElement; element = element.parentElement) {
    const style = getComputedStyle(element);
    const outer = element.getBoundingClientRect();
    if (style.overflowX !== 'visible') {
      box.left = Math.max(box.left, outer.left);
      box.right = Math.min(box.right, outer.right);
    }
    if (style.overflowY !== 'visible') {
      box.top = Math.max(box.top, outer.top);
      box.bottom = Math.min(box.bottom, outer.bottom);
    }
  }
  return box;
}

function overlapping(texts) {
  const pairs = [];
  for (let first = 0; first < texts.length; first++) {
    for (let second = first + 1; second < texts.length; second++) {
      const [a, b] = [texts[first].box, texts[second].box];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > LEAST && high > Math.min(a.bottom - a.top, b.bottom - b.top) / 3) {
        pairs.push([texts[first], texts[second]]);
      }
    }
  }
  return pairs;
}
