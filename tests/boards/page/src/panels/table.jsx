// Rows and columns.
import { getFieldDisplayName } from '@grafana/data';
import { TableNG } from '@grafana/ui/unstable';

const custom = { align: 'auto', cellOptions: { type: 'auto' }, inspect: false };

function Table({ options, frames, context: { timeRange }, width, height, config }) {
  const frame = frames[options.frameIndex ?? 0] ?? frames[0];
  const sortBy = (options.sortBy ?? []).filter(({ displayName }) =>
    frame.fields.some((field) => getFieldDisplayName(field, frame, frames) === displayName)
  );
  return (
    <TableNG
      data={frame}
      width={width}
      height={height}
      noHeader={options.showHeader === false}
      showTypeIcons={options.showTypeIcons}
      resizable={false}
      initialSortBy={sortBy}
      cellHeight={options.cellHeight ?? 'sm'}
      frozenColumns={options.frozenColumns?.left ?? 0}
      enablePagination={options.enablePagination}
      timeRange={timeRange}
      fieldConfig={config}
      structureRev={1}
      enableVirtualization={false}
      getActions={() => []}
    />
  );
}

export default { component: Table, custom, padding: 'none' };
