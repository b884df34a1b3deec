// Big values, with a small chart behind them.
import { getDisplayValueAlignmentFactors } from '@grafana/data';
import { BigValue, BigValueTextMode, VizRepeater } from '@grafana/ui';

import { valuesOf } from '../values.js';

function Stat(props) {
  const { config, options, frames, context: { theme, timeRange }, width, height } = props;
  const drawn = { sparkline: (options.graphMode ?? 'area') !== 'none', percentChange: options.showPercentChange };
  const nameless = config.defaults.displayName === '';
  const textMode = (options.textMode ?? 'auto') === 'auto' && nameless ? BigValueTextMode.Value : (options.textMode ?? 'auto');
  return (
    <VizRepeater
      getValues={() => valuesOf(props, drawn)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value, alignmentFactors, width, height, count, orientation }) => {
        if (value.sparkline) {
          value.sparkline.timeRange = timeRange;
        }
        return (
          <BigValue
            value={value.display}
            count={count}
            sparkline={value.sparkline}
            colorMode={options.colorMode ?? 'value'}
            graphMode={options.graphMode ?? 'area'}
            justifyMode={options.justifyMode ?? 'auto'}
            textMode={textMode}
            alignmentFactors={alignmentFactors}
            parentOrientation={orientation}
            text={options.text}
            width={width}
            height={height}
            theme={theme}
            disableWideLayout={!(options.wideLayout ?? true)}
          />
        );
      }}
      width={width}
      height={height}
      source={frames}
      itemSpacing={3}
      renderCounter={0}
      autoGrid={true}
      orientation={options.orientation ?? 'auto'}
    />
  );
}

export default { component: Stat, drawsNothing: true };
