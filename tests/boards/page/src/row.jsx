// The heading of a row of panels.
import { Icon } from '@grafana/ui';

export function Row({ panel, context: { theme, replace } }) {
  const style = {
    display: 'flex',
    alignItems: 'center',
    gap: 8,
    height: '100%',
    font: `${theme.typography.fontWeightMedium} ${theme.typography.h5.fontSize} ${theme.typography.fontFamily}`,
    borderBottom: panel.collapsed ? `1px solid ${theme.colors.border.weak}` : undefined,
  };
  return (
    <div style={style}>
      <Icon name={panel.collapsed ? 'angle-right' : 'angle-down'} />
      <span data-text>{replace(panel.title)}</span>
      {panel.collapsed && <span style={{ color: theme.colors.text.secondary }}>({panel.panels?.length ?? 0} panels)</span>}
    </div>
  );
}
