// Answers of Prometheus as data frames, as Grafana's data source makes them.
import { DataFrameType, FieldType } from '@grafana/data';

const number = (text) => (text === 'NaN' ? NaN : text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text));

/** All frames of a panel's answers. */
export function framesOf(answers, replace) {
  const tables = answers.filter(({ target }) => target.format === 'table');
  const others = answers.filter(({ target }) => target.format !== 'table');
  return [
    ...others.flatMap((answer) => (answer.target.format === 'heatmap' ? buckets(series(answer, replace)) : series(answer, replace))),
    ...tables.map((answer) => table(answer, tables.length)),
  ];
}

function series({ target, result, step }, replace) {
  return result.map(({ metric, values, value }) => {
    const points = values ?? [value];
    const name = legend(target, metric, replace);
    return {
      name,
      refId: target.refId,
      meta: { type: DataFrameType.TimeSeriesMulti },
      length: points.length,
      fields: [
        // The interval tells where points are missing.
        { name: 'Time', type: FieldType.time, config: { interval: step * 1000 }, values: points.map(([at]) => at * 1000) },
        {
          name: 'Value',
          type: FieldType.number,
          labels: metric,
          config: { displayNameFromDS: name },
          values: points.map(([, text]) => number(text)),
        },
      ],
    };
  });
}

function legend({ legendFormat, expr }, metric, replace) {
  if (legendFormat && legendFormat !== '__auto') {
    return replace(legendFormat).replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label) => metric[label] ?? '');
  }
  const { __name__: name = '', ...labels } = metric;
  const text = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return text.length > 0 ? `${name}{${text.join(', ')}}` : name || expr;
}

function table({ target, result }, count) {
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric).sort()))];
  const points = result.flatMap(({ metric, values, value }) => (values ?? [value]).map(([at, text]) => ({ metric, at, text })));
  return {
    refId: target.refId,
    meta: { preferredVisualisationType: 'table' },
    length: points.length,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: points.map(({ at }) => at * 1000) },
      ...labels.map((label) => ({
        name: label,
        type: FieldType.string,
        config: { filterable: true },
        values: points.map(({ metric }) => metric[label] ?? ''),
      })),
      {
        name: count > 1 ? `Value #${target.refId}` : 'Value',
        type: FieldType.number,
        config: {},
        values: points.map(({ text }) => number(text)),
      },
    ],
  };
}

// Buckets of a histogram, which hold all that is less, as what each alone holds.
function buckets(frames) {
  const bound = (frame) => number(frame.fields[1].labels.le ?? 'NaN');
  const sorted = [...frames].sort((a, b) => bound(a) - bound(b));
  if (sorted.some((frame) => Number.isNaN(bound(frame)))) {
    return frames;
  }
  return sorted.map((frame, index) => {
    const [time, value] = frame.fields;
    const below = index > 0 ? sorted[index - 1].fields[1] : null;
    const values = value.values.map((count, at) => count - (below?.values[at] ?? 0));
    return { ...frame, fields: [time, { ...value, values }] };
  });
}
