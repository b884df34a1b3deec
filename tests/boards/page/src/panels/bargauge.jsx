// A bar for each value.
import { getDisplayValueAlignmentFactors } from '@grafana/data';
import { BarGauge, VizRepeater } from '@grafana/ui';

import { valuesOf } from '../values.js';

function BarGauges(props) {
  const { options, frames, context: { theme }, width, height } = props;
  const sized = options.sizing === 'manual';
  return (
    <VizRepeater
      getValues={() => valuesOf(props)}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={({ value: { field, display, view, colIndex }, alignmentFactors, width, height, orientation }) => (
        <BarGauge
          value={display}
          width={width}
          height={height}
          orientation={orientation}
          field={field}
          text={options.text}
          display={view?.getFieldDisplayProcessor(colIndex)}
          theme={theme}
          itemSpacing={10}
          displayMode={options.displayMode ?? 'gradient'}
          alignmentFactors={alignmentFactors}
          showUnfilled={options.showUnfilled ?? true}
          valueDisplayMode={options.valueMode ?? 'color'}
          namePlacement={options.namePlacement ?? 'auto'}
          isOverflow={false}
        />
      )}
      width={width}
      height={height}
      source={frames}
      itemSpacing={10}
      renderCounter={0}
      orientation={options.orientation ?? 'auto'}
      minVizWidth={sized ? options.minVizWidth : 8}
      minVizHeight={sized ? options.minVizHeight : 16}
      maxVizHeight={sized ? options.maxVizHeight : 300}
    />
  );
}

export default { component: BarGauges, drawsNothing: true };
