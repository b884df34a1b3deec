// What is found while a board is drawn, by panel.

const found = new Map();

/** Notes something about a panel, once. `kind` is error, empty or text. */
export function note(panel, kind, text) {
  const key = `${panel.id}/${kind}/${text}`;
  found.set(key, { panel: panel.id, title: panel.title, kind, text });
}

export const notes = () => [...found.values()];
