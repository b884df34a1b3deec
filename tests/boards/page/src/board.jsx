// A board as Grafana lays it out: a bar with title, variables and time, and panels on a grid of 24 columns.
import { ThemeContext, createTheme, dateTime } from '@grafana/data';
import { GlobalStyles } from '@grafana/ui';
import { useMemo } from 'react';

import { Bar } from './bar.jsx';
import { Panel } from './panel.jsx';
import { Row } from './row.jsx';
import { replacer } from './variables.js';

const COLUMNS = 24;
const UNIT = 30;
const GAP = 8;
const MARGIN = 16;

export function Board({ drawing }) {
  const context = useMemo(() => contextOf(drawing), [drawing]);
  const { theme } = context;
  const width = drawing.width - 2 * MARGIN;
  const column = (width - GAP * (COLUMNS - 1)) / COLUMNS;
  const height = Math.max(...drawing.board.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ width: drawing.width, background: theme.colors.background.canvas, color: theme.colors.text.primary }}>
        <Bar drawing={drawing} context={context} />
        <div style={{ position: 'relative', margin: MARGIN, marginTop: 8, height: height * (UNIT + GAP) - GAP }}>
          {drawing.board.panels.map((panel) => {
            const { x, y, w, h } = panel.gridPos;
            const size = { width: Math.floor(w * (column + GAP) - GAP), height: h * (UNIT + GAP) - GAP };
            const place = { position: 'absolute', left: x * (column + GAP), top: y * (UNIT + GAP), ...size };
            return (
              <div key={panel.id} style={place} data-panel={panel.id}>
                {panel.type === 'row' ? (
                  <Row panel={panel} context={context} />
                ) : (
                  <Panel panel={panel} answers={drawing.answers[panel.id] ?? []} context={context} {...size} />
                )}
              </div>
            );
          })}
        </div>
        <div style={{ height: 1 }} />
      </div>
    </ThemeContext.Provider>
  );
}

/** What every part of a board needs to know. */
function contextOf(drawing) {
  const { from, to, relative } = drawing.time;
  const raw = { from: relative, to: 'now' };
  return {
    theme: createTheme({ colors: { mode: drawing.theme } }),
    replace: replacer({ variables: drawing.variables, from, to }),
    timeRange: { from: dateTime(from), to: dateTime(to), raw },
    annotations: drawing.annotations ?? [],
  };
}
