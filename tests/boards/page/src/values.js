// The values that a panel of values shows: one for each series.
import { getFieldDisplayValues } from '@grafana/data';

export function valuesOf({ config, options, frames, context: { theme, replace } }, more = {}) {
  return getFieldDisplayValues({
    fieldConfig: config,
    reduceOptions: { calcs: ['lastNotNull'], values: false, ...options.reduceOptions },
    replaceVariables: replace,
    theme,
    data: frames,
    timeZone: 'utc',
    ...more,
  });
}
