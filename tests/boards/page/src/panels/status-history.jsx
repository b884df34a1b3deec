// How each of many evaluations ended: a box for each.
import { formattedValueToString } from '@grafana/data';
import { useMemo } from 'react';
import tinycolor from 'tinycolor2';

import { Lanes, lanesOf, legendOf, write } from '../lanes.jsx';

const custom = { lineWidth: 1, fillOpacity: 70, hideFrom: {} };

function StatusHistory({ panel, options, frames, context, width, height }) {
  const { theme } = context;
  const lanes = useMemo(() => lanesOf(frames, theme), [frames]);
  const names = useMemo(() => lanes.map(({ name }) => name), [lanes]);
  const paint = (ctx, lane, { center, height, x }) => {
    const { points, interval, field } = lanes[lane];
    const { fillOpacity = 70 } = field.config.custom ?? {};
    const high = height * (options.rowHeight ?? 0.9);
    for (const { at, value, shown } of points) {
      if (value === null) {
        continue;
      }
      const whole = x(at + interval) - x(at);
      const wide = whole * (options.colWidth ?? 0.9);
      const left = x(at) - wide / 2;
      const color = tinycolor(shown.color ?? '#808080');
      ctx.fillStyle = color.setAlpha(fillOpacity / 100).toRgbString();
      ctx.fillRect(left, center - high / 2, wide, high);
      if ((options.showValue ?? 'auto') !== 'never') {
        const behind = tinycolor.mix(theme.colors.background.primary, shown.color ?? '#808080', fillOpacity).toHexString();
        write(ctx, theme, formattedValueToString(shown), left, left + wide, center, behind, 'center');
      }
    }
  };
  return <Lanes {...{ names, paint, context, width, height }} legend={legendOf(lanes, options, panel, theme)} />;
}

export default { component: StatusHistory, custom };
