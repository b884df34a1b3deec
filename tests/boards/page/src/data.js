// From answers to what a panel draws: frames, transformations, and the configuration of fields.
import { applyFieldOverrides, cacheFieldDisplayNames, transformDataFrame } from '@grafana/data';
import { firstValueFrom } from 'rxjs';

import { framesOf } from './frames.js';
import { optionsOf } from './registries.js';

// What Grafana adds to a panel that says nothing of it.
const THRESHOLDS = { mode: 'absolute', steps: [{ color: 'green', value: null }, { color: 'red', value: 80 }] };

/** The configuration of a panel's fields with the defaults of its type: `color` is a mode, `custom` its own options. */
export function configOf({ fieldConfig = {} }, { color = 'thresholds', custom = {} }) {
  const { defaults = {}, overrides = [] } = fieldConfig;
  const whole = { color: { mode: color }, thresholds: THRESHOLDS, mappings: [], ...defaults, custom: { ...custom, ...defaults.custom } };
  return { defaults: whole, overrides };
}

/** The frames of a panel of a type. */
export async function dataOf(panel, answers, type, { theme, replace }) {
  const interpolate = (text) => replace(text);
  const frames = framesOf(answers, replace);
  const transformed = await firstValueFrom(transformDataFrame(panel.transformations ?? [], frames, { interpolate }));
  const made = applyFieldOverrides({
    data: transformed,
    fieldConfig: configOf(panel, type),
    fieldConfigRegistry: optionsOf(panel, type.custom ?? {}),
    replaceVariables: replace,
    theme,
    timeZone: 'utc',
  });
  cacheFieldDisplayNames(made);
  return made;
}

/** Whether there is nothing to draw. */
export const isEmpty = (frames) => frames.every((frame) => frame.length === 0);
