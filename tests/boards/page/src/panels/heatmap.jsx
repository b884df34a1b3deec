// How much is in each bin over time.
import { formattedValueToString, getValueFormat } from '@grafana/data';
import * as chromatic from 'd3-scale-chromatic';
import { VizLayout } from '@grafana/ui';
import { useMemo } from 'react';

import { Lanes, lanesOf } from '../lanes.jsx';

// Schemes whose light end is their low one are turned round on dark ground, and two always.
const NEVER = ['Turbo', 'Cividis', 'Viridis', 'Magma', 'Inferno', 'Plasma', 'Warm', 'Cool', 'Cubehelix'];
const ALWAYS = ['Spectral', 'RdYlGn'];

function Heatmap({ options, frames, context, width, height }) {
  const { theme } = context;
  const lanes = useMemo(() => lanesOf(frames, theme), [frames]);
  const names = useMemo(() => lanes.map(({ name }) => name), [lanes]);
  const color = { scheme: 'Oranges', exponent: 0.5, steps: 64, mode: 'scheme', ...options.color };
  const hidden = options.filterValues?.le ?? 1e-9;
  const values = lanes.flatMap(({ points }) => points.map(({ value }) => value)).filter((value) => value > hidden);
  const low = color.min ?? Math.min(...values);
  const high = color.max ?? Math.max(...values);
  const paletteOf = useMemo(() => palette(color, theme), [theme]);
  const shade = (value) => paletteOf(high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 1);
  const gap = (options.cellGap ?? 1) * devicePixelRatio;
  const paint = (ctx, lane, { center, height, x }) => {
    const { points, interval } = lanes[lane];
    for (const { at, value } of points) {
      if (value > hidden) {
        const [left, right] = [x(at - interval), x(at)];
        ctx.fillStyle = shade(value);
        ctx.fillRect(left, center - height / 2 + gap / 2, Math.max(1, right - left - gap), height - gap);
      }
    }
  };
  const legend =
    options.legend?.show === false ? null : (
      <VizLayout.Legend placement="bottom">
        <Scale {...{ low, high, shade, theme, options }} />
      </VizLayout.Legend>
    );
  return <Lanes {...{ names, paint, context, width, height, legend }} bottomUp={!options.yAxis?.reverse} axisWidth={options.yAxis?.axisWidth} />;
}

function palette({ scheme, reverse, steps, fill, mode, exponent }, theme) {
  if (mode === 'opacity') {
    const name = theme.visualization.getColorByName(fill ?? 'dark-orange');
    return (share) => alpha(name, share ** (exponent ?? 0.5));
  }
  const interpolate = chromatic[`interpolate${scheme}`] ?? chromatic.interpolateOranges;
  const inverted = ALWAYS.includes(scheme) || (NEVER.includes(scheme) ? theme.isLight : theme.isDark);
  const turned = inverted !== Boolean(reverse);
  return (share) => {
    const stepped = Math.min(steps - 1, Math.floor(share * steps)) / (steps - 1);
    return interpolate(turned ? 1 - stepped : stepped);
  };
}

const alpha = (color, share) => `color-mix(in srgb, ${color} ${Math.round(share * 100)}%, transparent)`;

function Scale({ low, high, shade, theme, options }) {
  const unit = options.yAxis?.valueUnit ?? options.cellValues?.unit ?? 'short';
  const text = (value) => formattedValueToString(getValueFormat(unit)(value, options.cellValues?.decimals));
  const stops = Array.from({ length: 33 }, (_, index) => shade(low + ((high - low) * index) / 32));
  return (
    <div style={{ width: 260, padding: '4px 0 0 8px', fontSize: 11, color: theme.colors.text.secondary }}>
      <div style={{ height: 10, borderRadius: 2, background: `linear-gradient(to right, ${stops.join(',')})` }} />
      <div style={{ display: 'flex', justifyContent: 'space-between' }}>
        {[low, (low + high) / 2, high].map((value, index) => (
          <span key={index}>{text(value)}</span>
        ))}
      </div>
    </div>
  );
}

export default { component: Heatmap };
