// Values on an arc.
import { getFieldDisplayValues } from '@grafana/data';
import { Gauge, VizRepeater } from '@grafana/ui';

function Gauges({ config, options, frames, context: { theme, replace }, width, height }) {
  const getValues = () =>
    getFieldDisplayValues({
      fieldConfig: config,
      reduceOptions: { calcs: ['lastNotNull'], values: false, ...options.reduceOptions },
      replaceVariables: replace,
      theme,
      data: frames,
      timeZone: 'utc',
    });
  return (
    <VizRepeater
      getValues={getValues}
      renderValue={({ value, width, height }) => (
        <Gauge
          value={value.display}
          field={value.field}
          text={options.text}
          width={width}
          height={height}
          theme={theme}
          showThresholdLabels={options.showThresholdLabels}
          showThresholdMarkers={options.showThresholdMarkers ?? true}
        />
      )}
      width={width}
      height={height}
      source={frames}
      renderCounter={0}
      autoGrid={true}
      orientation={options.orientation ?? 'auto'}
    />
  );
}

export default { component: Gauges, drawsNothing: true };
