// Values over time.
import { FieldType } from '@grafana/data';
import { TimeSeries } from '@grafana/ui';

import { marks } from '../marks.js';

const custom = {
  drawStyle: 'line',
  lineInterpolation: 'linear',
  lineWidth: 1,
  fillOpacity: 0,
  gradientMode: 'none',
  showPoints: 'auto',
  pointSize: 5,
  spanNulls: false,
  stacking: { mode: 'none', group: 'A' },
  axisPlacement: 'auto',
  axisLabel: '',
  axisColorMode: 'text',
  axisBorderShow: false,
  axisCenteredZero: false,
  scaleDistribution: { type: 'linear' },
  barAlignment: 0,
  barWidthFactor: 0.6,
  insertNulls: false,
  hideFrom: { tooltip: false, viz: false, legend: false },
  thresholdsStyle: { mode: 'off' },
};

function Chart({ options, frames, context, width, height }) {
  const legend = { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [], ...options.legend };
  return (
    <TimeSeries
      frames={graphable(frames)}
      timeRange={context.timeRange}
      timeZone="utc"
      legend={legend}
      options={options}
      width={width}
      height={height}
      structureRev={1}
    >
      {(builder) => {
        marks(builder, context);
        return null;
      }}
    </TimeSeries>
  );
}

// What a line can be drawn of: fields with numbers beside a time; what is not finite is a hole.
function graphable(frames) {
  const finite = (value) => (Number.isFinite(value) ? value : null);
  return frames
    .filter((frame) => frame.fields.some(({ type }) => type === FieldType.time))
    .map((frame) => ({
      ...frame,
      fields: frame.fields
        .filter(({ type }) => [FieldType.time, FieldType.number, FieldType.boolean].includes(type))
        .map((field) => (field.type === FieldType.time ? field : { ...field, type: FieldType.number, values: field.values.map(finite) })),
    }));
}

export default { component: Chart, color: 'palette-classic', custom };
