// What state something was in, from when to when.
import { formattedValueToString } from '@grafana/data';
import { useMemo } from 'react';
import tinycolor from 'tinycolor2';

import { Lanes, lanesOf, legendOf, write } from '../lanes.jsx';
import { note } from '../notes.js';

const custom = { lineWidth: 0, fillOpacity: 70, spanNulls: false, insertNulls: false, hideFrom: {} };
const PAGE = 20;

function StateTimeline({ panel, options, frames, context, width, height }) {
  const { theme, timeRange } = context;
  const all = useMemo(() => lanesOf(frames, theme), [frames]);
  const perPage = options.perPage ?? PAGE;
  if (all.length > perPage) {
    note(panel, 'text', `${all.length} lanes, and a page shows ${perPage}`);
  }
  const lanes = useMemo(() => all.slice(0, perPage), [all]);
  const names = useMemo(() => lanes.map(({ name }) => name), [lanes]);
  const states = lanes.map((lane) => statesOf(lane, options.mergeValues ?? true, timeRange.to.valueOf()));
  const paint = (ctx, lane, { center, height, x }) => {
    const { lineWidth = 0, fillOpacity = 70 } = lanes[lane].field.config.custom ?? {};
    const high = height * (options.rowHeight ?? 0.9);
    for (const { from, to, shown } of states[lane]) {
      const [left, right] = [x(from), x(to)];
      const color = tinycolor(shown.color ?? '#808080');
      const fill = color.setAlpha(fillOpacity / 100).toRgbString();
      ctx.fillStyle = fill;
      ctx.fillRect(left, center - high / 2, right - left, high);
      if (lineWidth > 0) {
        ctx.strokeStyle = shown.color;
        ctx.lineWidth = lineWidth;
        ctx.strokeRect(left, center - high / 2, right - left, high);
      }
      if ((options.showValue ?? 'auto') !== 'never') {
        const behind = tinycolor.mix(theme.colors.background.primary, shown.color ?? '#808080', fillOpacity).toHexString();
        write(ctx, theme, formattedValueToString(shown), Math.max(left, x(timeRange.from.valueOf())), right, center, behind, options.alignValue ?? 'left');
      }
    }
  };
  return <Lanes {...{ names, paint, context, width, height }} legend={legendOf(lanes, options, panel, theme)} />;
}

// Points in a row that show the same are one state; where points are missing, there is none.
function statesOf({ points, interval }, merge, end) {
  const states = [];
  for (const { at, value, shown } of points) {
    const last = states.at(-1);
    const open = last && at - last.to <= interval * 0.5;
    if (value === null) {
      continue;
    }
    if (open && merge && last.value === value) {
      last.to = at + interval;
    } else {
      if (open) {
        last.to = at;
      }
      states.push({ from: at, to: at + interval, value, shown });
    }
  }
  return states.map((state) => ({ ...state, to: Math.min(state.to, end) }));
}

export default { component: StateTimeline, color: 'continuous-GrYlRd', custom };
