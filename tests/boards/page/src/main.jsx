// Draws the drawing that the address names: a board with the answers to its queries, made by ../../drawing.py.
import { createRoot } from 'react-dom/client';

import { Board } from './board.jsx';
import { inspect } from './inspect.js';
import { register } from './registries.js';

async function draw() {
  const name = new URLSearchParams(location.search).get('drawing');
  const drawing = await (await fetch(`/drawings/${name}.json`)).json();
  const root = document.getElementById('root');
  // Charts measure texts when they are made, so their font must be there before them.
  await Promise.all(['400', '500'].map((weight) => document.fonts.load(`${weight} 12px Inter`)));
  createRoot(root).render(<Board drawing={drawing} />);
  // Until nothing moves any more.
  for (let last = null, same = 0; same < 4; ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    same = root.innerHTML === last ? same + 1 : 0;
    last = root.innerHTML;
  }
  // Two frames later all of it is painted.
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  return inspect(drawing);
}

register();
// What the driver waits for.
window.drawn = draw();

