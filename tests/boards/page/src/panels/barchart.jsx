// Bars by category, beside each other or stacked. Drawn here, in Grafana's colours: its own is not published.
import { FieldType, formattedValueToString, getDisplayProcessor, getFieldDisplayName, getFieldSeriesColor } from '@grafana/data';
import { VizLayout, VizLegend } from '@grafana/ui';
import tinycolor from 'tinycolor2';

import { note } from '../notes.js';

const custom = { lineWidth: 1, fillOpacity: 80, gradientMode: 'none', hideFrom: {}, axisPlacement: 'auto' };
const FONT = 12;

function BarChart({ panel, options, frames, context: { theme }, width, height }) {
  const frame = frames[0];
  const category = frame.fields.find((field) => (options.xField ? getFieldDisplayName(field, frame, frames) === options.xField || field.name === options.xField : field.type === FieldType.string));
  const fields = frame.fields.filter(({ type, config }) => type === FieldType.number && !config.custom?.hideFrom?.viz);
  if (!category || fields.length === 0) {
    note(panel, 'error', category ? 'no field of numbers for the bars' : 'no field of strings for the categories');
    return null;
  }
  const series = fields.map((field) => ({
    name: getFieldDisplayName(field, frame, frames),
    color: getFieldSeriesColor(field, theme).color,
    byValue: field.config.color?.mode?.startsWith('threshold') || field.config.color?.mode?.startsWith('continuous'),
    display: field.display ?? getDisplayProcessor({ field, theme }),
    values: field.values.map((value) => (Number.isFinite(value) ? value : null)),
    field,
  }));
  const legendOptions = { showLegend: true, placement: 'bottom', displayMode: 'list', ...options.legend };
  const items = series.map(({ name, color }) => ({ label: name, color, yAxis: 1 }));
  const legend = legendOptions.showLegend ? (
    <VizLayout.Legend placement={legendOptions.placement}>
      <VizLegend placement={legendOptions.placement} items={items} displayMode={legendOptions.displayMode} readonly />
    </VizLayout.Legend>
  ) : null;
  const shownOf = category.display ?? getDisplayProcessor({ field: category, theme });
  const names = category.values.map((value) => formattedValueToString(shownOf(value)));
  return (
    <VizLayout width={width} height={height} legend={legend}>
      {(innerWidth, innerHeight) => <Bars {...{ names, series, options, theme, panel }} width={innerWidth} height={innerHeight} />}
    </VizLayout>
  );
}

function Bars({ names, series, options, theme, width, height, panel }) {
  const turned = Math.abs(options.xTickLabelRotation ?? 0);
  const upright = (options.orientation ?? 'auto') === 'auto' ? width >= height * 0.8 : options.orientation === 'vertical';
  const stacked = ['normal', 'percent'].includes(options.stacking);
  const sums = names.map((_, at) => series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0));
  const all = stacked ? sums : series.flatMap(({ values }) => values.map((value) => value ?? 0));
  const { min, max } = series[0].field.config;
  const bottom = min ?? Math.min(0, ...all);
  const ticks = ticksOf(bottom, max ?? Math.max(...all, bottom + 1e-9), upright ? height / 50 : width / 90);
  const top = max ?? ticks.at(-1);
  const tickTexts = ticks.map((tick) => formattedValueToString(series[0].display(tick)));
  const wide = (text) => measure(text, theme);
  const rotated = upright ? turned : 0;
  const longest = Math.max(...names.map(wide));
  const left = (upright ? Math.max(...tickTexts.map(wide)) : longest) + 12;
  const below = upright && rotated ? Math.min(longest * Math.sin((rotated * Math.PI) / 180) + 16, height / 2) : 20;
  const box = { left, top: 8, width: width - left - 12, height: height - below - 8 };
  const along = upright ? box.width : box.height;
  const slot = along / names.length;
  const every = upright && !rotated ? Math.ceil((Math.min(longest, 200) + (options.xTickLabelSpacing || 8)) / slot) : Math.ceil(14 / slot);
  if (every > 1) {
    note(panel, 'text', `only every ${every}. of ${names.length} categories has room for its name`);
  }
  const scale = (value) => ((value - bottom) / (top - bottom)) * (upright ? box.height : box.width);
  const group = slot * (options.groupWidth ?? 0.7);
  const one = stacked ? group : group / series.length;
  const bars = names.flatMap((_, at) => {
    let base = 0;
    return series.map(({ values, color, byValue, display, field }, index) => {
      const value = values[at];
      if (value === null) {
        return null;
      }
      const start = at * slot + (slot - group) / 2 + (stacked ? 0 : index * one);
      const from = stacked ? base : Math.max(bottom, 0);
      base += value;
      const [low, high] = [scale(from), scale(stacked ? base : value)].sort((a, b) => a - b);
      const thick = one * (options.barWidth ?? 0.97);
      const place = upright
        ? { x: box.left + start, y: box.top + box.height - high, width: thick, height: high - low }
        : { x: box.left + low, y: box.top + start, width: high - low, height: thick };
      const paint = byValue ? display(value).color : color;
      const { fillOpacity = 80, lineWidth = 1 } = field.config.custom ?? {};
      return <rect key={`${at}-${index}`} {...place} fill={tinycolor(paint).setAlpha(fillOpacity / 100).toRgbString()} stroke={paint} strokeWidth={lineWidth} />;
    });
  });
  const text = { fill: theme.colors.text.primary, fontSize: FONT, fontFamily: theme.typography.fontFamily };
  const grid = theme.isDark ? 'rgba(240, 250, 255, 0.09)' : 'rgba(0, 10, 23, 0.09)';
  return (
    <svg width={width} height={height}>
      {ticks.map((tick, index) => {
        const at = scale(tick);
        return upright ? (
          <g key={tick}>
            <line x1={box.left} x2={box.left + box.width} y1={box.top + box.height - at} y2={box.top + box.height - at} stroke={grid} />
            <text {...text} x={box.left - 6} y={box.top + box.height - at + 4} textAnchor="end">{tickTexts[index]}</text>
          </g>
        ) : (
          <g key={tick}>
            <line x1={box.left + at} x2={box.left + at} y1={box.top} y2={box.top + box.height} stroke={grid} />
            <text {...text} x={box.left + at} y={height - 6} textAnchor="middle">{tickTexts[index]}</text>
          </g>
        );
      })}
      {bars}
      {names.map((name, at) => {
        if (at % every) {
          return null;
        }
        const middle = at * slot + slot / 2;
        if (!upright) {
          return <text key={at} {...text} x={box.left - 6} y={box.top + middle + 4} textAnchor="end">{name}</text>;
        }
        const [x, y] = [box.left + middle, box.top + box.height + 15];
        return (
          <text key={at} {...text} x={x} y={y} textAnchor={rotated ? 'end' : 'middle'} transform={rotated ? `rotate(-${rotated} ${x} ${y - 6})` : undefined}>
            {name}
          </text>
        );
      })}
    </svg>
  );
}

// Round numbers from one end to the other and just beyond.
function ticksOf(low, high, count) {
  const rough = (high - low) / Math.max(2, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
  const ticks = [];
  for (let tick = Math.floor(low / step) * step; tick < high + step * 0.999; tick += step) {
    ticks.push(Number(tick.toPrecision(12)));
  }
  return ticks;
}

const canvas = document.createElement('canvas').getContext('2d');

function measure(text, theme) {
  canvas.font = `${FONT}px ${theme.typography.fontFamily}`;
  return canvas.measureText(text).width;
}

export default { component: BarChart, color: 'palette-classic', custom };
