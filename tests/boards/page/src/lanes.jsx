// Lanes over time, one above the other: what state timeline, status history and heatmap have in common. Grafana's builder
// makes scales and axes; the caller paints.
import { FieldType, formattedValueToString, getDisplayProcessor, getFieldDisplayName } from '@grafana/data';
import { AxisPlacement, ScaleDirection, ScaleOrientation } from '@grafana/schema';
import { UPlotChart, UPlotConfigBuilder, VizLayout, VizLegend } from '@grafana/ui';
import { useMemo } from 'react';

/** The fields of frames as lanes: a name, points in time with what each shows, and how long one point lasts. */
export function lanesOf(frames, theme) {
  return frames.flatMap((frame) => {
    const time = frame.fields.find(({ type }) => type === FieldType.time);
    const others = frame.fields.filter((field) => field !== time && !field.config.custom?.hideFrom?.viz);
    return others.map((field) => {
      const display = field.display ?? getDisplayProcessor({ field, theme, timeZone: 'utc' });
      const points = time.values.map((at, index) => ({ at, value: field.values[index], shown: display(field.values[index]) }));
      return { name: getFieldDisplayName(field, frame, frames), field, interval: intervalOf(time), points: points.filter(({ value }) => value !== undefined) };
    });
  });
}

function intervalOf({ config, values }) {
  if (config.interval) {
    return config.interval;
  }
  const gaps = values.slice(1).map((at, index) => at - values[index]);
  return gaps.length > 0 ? Math.min(...gaps) : 60_000;
}

/** Lanes with their axes. `paint(ctx, box)` is called for every lane, `box(lane)` gives where one is. */
export function Lanes({ names, paint, legend, context, width, height, bottomUp = false, axisWidth }) {
  return (
    <VizLayout width={width} height={height} legend={legend}>
      {(innerWidth, innerHeight) => (
        <Plot {...{ names, paint, context, bottomUp, axisWidth }} width={innerWidth} height={innerHeight} />
      )}
    </VizLayout>
  );
}

function Plot({ names, paint, context, bottomUp, axisWidth, width, height }) {
  const { theme, timeRange } = context;
  const [from, to] = [timeRange.from.valueOf(), timeRange.to.valueOf()];
  const config = useMemo(() => {
    const builder = new UPlotConfigBuilder('utc');
    const count = names.length;
    const middle = (lane) => (bottomUp ? lane + 0.5 : count - lane - 0.5);
    builder.setCursor({ show: false });
    builder.addScale({
      scaleKey: 'x',
      isTime: true,
      orientation: ScaleOrientation.Horizontal,
      direction: ScaleDirection.Right,
      range: () => [from, to],
    });
    builder.addScale({
      scaleKey: 'y',
      orientation: ScaleOrientation.Vertical,
      direction: ScaleDirection.Up,
      range: () => [0, count],
    });
    builder.addAxis({ scaleKey: 'x', isTime: true, placement: AxisPlacement.Bottom, timeZone: 'utc', theme, grid: { show: true } });
    builder.addAxis({
      scaleKey: 'y',
      placement: AxisPlacement.Left,
      theme,
      size: axisWidth,
      splits: () => names.map((_, lane) => middle(lane)),
      values: () => names,
      grid: { show: false },
      ticks: { show: false },
      border: { show: true },
    });
    builder.addSeries({ scaleKey: 'y', theme, show: true, lineWidth: 0, pathBuilder: () => null, pointsBuilder: () => false });
    builder.addHook('draw', (plot) => {
      const { ctx, bbox } = plot;
      const laneHeight = bbox.height / count;
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      names.forEach((_, lane) => {
        const center = plot.valToPos(middle(lane), 'y', true);
        paint(ctx, lane, { center, height: laneHeight, x: (at) => plot.valToPos(at, 'x', true) });
      });
      ctx.restore();
    });
    return builder;
  }, [names, width, height]);
  return <UPlotChart config={config} data={[[from, to], [0, 0]]} width={width} height={height} />;
}

/** The legend of values: thresholds with their limits, or what mappings say. */
export function legendOf(lanes, options, panel, theme) {
  if (options.legend?.showLegend === false) {
    return null;
  }
  const items = new Map();
  const field = lanes[0]?.field;
  const mode = field?.config.color?.mode ?? '';
  if (mode.startsWith('threshold') && !(field.config.mappings ?? []).length) {
    const steps = field.config.thresholds?.steps ?? [];
    const text = (value) => formattedValueToString(field.display(value));
    steps.forEach((step, index) => {
      const next = steps[index + 1];
      const label = next ? (index === 0 ? `< ${text(next.value)}` : `${text(step.value)} – ${text(next.value)}`) : `${text(step.value)}+`;
      items.set(label, theme.visualization.getColorByName(step.color));
    });
  } else {
    for (const { points } of lanes) {
      for (const { value, shown } of points) {
        if (value !== null) {
          items.set(formattedValueToString(shown), shown.color);
        }
      }
    }
  }
  const list = [...items].map(([label, color]) => ({ label, color, yAxis: 1 }));
  const placement = options.legend?.placement ?? 'bottom';
  return (
    <VizLayout.Legend placement={placement}>
      <VizLegend placement={placement} items={list} displayMode={options.legend?.displayMode ?? 'list'} readonly />
    </VizLayout.Legend>
  );
}

/** Writes a text into a box where it fits; whether it did. */
export function write(ctx, theme, text, left, right, center, background, align = 'left') {
  const pixels = devicePixelRatio;
  ctx.font = `${12 * pixels}px ${theme.typography.fontFamily}`;
  const room = right - left - 8 * pixels;
  if (!text || ctx.measureText(text).width > room) {
    return false;
  }
  ctx.fillStyle = theme.colors.getContrastText(background, 3);
  ctx.textBaseline = 'middle';
  ctx.textAlign = align;
  ctx.fillText(text, align === 'center' ? (left + right) / 2 : left + 4 * pixels, center);
  return true;
}
