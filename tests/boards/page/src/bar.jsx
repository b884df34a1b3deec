// What stands above the panels: the title, the range of time, links to other boards, and the variables with their values.
import { dateTimeFormat, rangeUtil } from '@grafana/data';
import { Icon } from '@grafana/ui';

export function Bar({ drawing, context: { theme, replace } }) {
  const { board, variables, time } = drawing;
  const box = {
    display: 'flex',
    alignItems: 'center',
    height: 32,
    border: `1px solid ${theme.colors.border.medium}`,
    borderRadius: theme.shape.radius.default,
    overflow: 'hidden',
    whiteSpace: 'nowrap',
  };
  const label = {
    padding: '0 8px',
    lineHeight: '30px',
    background: theme.colors.background.secondary,
    borderRight: `1px solid ${theme.colors.border.medium}`,
    fontSize: theme.typography.bodySmall.fontSize,
    fontWeight: theme.typography.fontWeightMedium,
  };
  const value = { padding: '0 8px', display: 'flex', alignItems: 'center', gap: 8, fontSize: theme.typography.body.fontSize };
  const range = time.relative ? rangeUtil.describeTimeRange({ from: time.relative, to: 'now' }) : dateTimeFormat(time.from, { timeZone: 'utc' });
  const shown = (board.templating?.list ?? []).filter(({ hide }) => hide !== 2);
  return (
    <div style={{ padding: '12px 16px 0', display: 'flex', flexDirection: 'column', gap: 8 }}>
      <div style={{ display: 'flex', justifyContent: 'space-between', alignItems: 'center' }}>
        <div style={{ display: 'flex', gap: 8, alignItems: 'center', color: theme.colors.text.secondary }}>
          Dashboards <Icon name="angle-right" /> <span style={{ color: theme.colors.text.primary }}>{board.title}</span>
        </div>
        <div style={{ ...box, ...value }}>
          <Icon name="clock-nine" /> {range} <span style={{ color: theme.colors.text.secondary }}>UTC</span>
        </div>
      </div>
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: 8 }}>
        {shown.map((variable) => (
          <div key={variable.name} style={box}>
            {variable.hide !== 1 && <span style={label}>{variable.label || variable.name}</span>}
            <span style={value}>
              {variables[variable.name]?.texts.join(' + ')} <Icon name="angle-down" />
            </span>
          </div>
        ))}
        <span style={{ flexGrow: 1 }} />
        {(board.links ?? []).map((link) => (
          <div key={link.title} style={{ ...box, ...value }}>
            <Icon name={link.type === 'dashboards' ? 'apps' : 'external-link-alt'} /> {replace(link.title)}
          </div>
        ))}
      </div>
    </div>
  );
}
