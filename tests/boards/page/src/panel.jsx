// A panel: Grafana's frame around it, and inside what its type draws.
import { PanelChrome } from '@grafana/ui';
import { Component, useEffect, useState } from 'react';

import { configOf, dataOf, isEmpty } from './data.js';
import { note } from './notes.js';
import barchart from './panels/barchart.jsx';
import bargauge from './panels/bargauge.jsx';
import heatmap from './panels/heatmap.jsx';
import stat from './panels/stat.jsx';
import stateTimeline from './panels/state-timeline.jsx';
import table from './panels/table.jsx';
import timeseries from './panels/timeseries.jsx';

/** By type: the component, its mode of colour, the defaults of its fields' own options, whether it draws something without data. */
const TYPES = {
  barchart,
  bargauge,
  heatmap,
  stat,
  'state-timeline': stateTimeline,
  table,
  timeseries,
};

export function Panel({ panel, answers, context, width, height }) {
  const type = TYPES[panel.type];
  const [frames, setFrames] = useState(null);
  useEffect(() => {
    if (type) {
      dataOf(panel, answers, type, context).then(setFrames, (error) => note(panel, 'error', String(error)));
    } else {
      note(panel, 'error', `nothing here draws a panel of the type ${panel.type}`);
    }
  }, []);
  const title = context.replace(panel.title);
  const error = answers.find((answer) => answer.error)?.error;
  if (error) {
    note(panel, 'error', error);
  }
  return (
    <PanelChrome
      title={title}
      description={panel.description}
      width={width}
      height={height}
      displayMode={panel.transparent ? 'transparent' : 'default'}
      padding={type?.padding ?? 'md'}
    >
      {(innerWidth, innerHeight) =>
        frames && (
          <Guard panel={panel}>
            <Inside {...{ panel, type, frames, context }} width={innerWidth} height={innerHeight} />
          </Guard>
        )
      }
    </PanelChrome>
  );
}

function Inside({ panel, type, frames, context, width, height }) {
  if (isEmpty(frames) && panel.type !== 'text') {
    note(panel, 'empty', panel.fieldConfig?.defaults?.noValue ?? 'No data');
    if (!type.drawsNothing) {
      return <Nothing panel={panel} context={context} width={width} height={height} />;
    }
  }
  const Drawn = type.component;
  return <Drawn panel={panel} config={configOf(panel, type)} options={panel.options ?? {}} frames={frames} context={context} width={width} height={height} />;
}

/** What Grafana shows where there are no data. */
function Nothing({ panel, context: { theme }, width, height }) {
  const style = { width, height, display: 'flex', alignItems: 'center', justifyContent: 'center', textAlign: 'center' };
  return <div style={{ ...style, color: theme.colors.text.secondary }}>{panel.fieldConfig?.defaults?.noValue ?? 'No data'}</div>;
}

/** A panel that cannot be drawn does not take the others with it. */
class Guard extends Component {
  state = {};

  static getDerivedStateFromError(error) {
    return { error };
  }

  componentDidCatch(error) {
    note(this.props.panel, 'error', String(error));
  }

  render() {
    return this.state.error ? <pre>{String(this.state.error)}</pre> : this.props.children;
  }
}
