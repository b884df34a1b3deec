// Variables in texts: $name, ${name} and ${name:format}, as Grafana fills them in.

const FORMATS = {
  csv: (values) => values.join(','),
  pipe: (values) => values.join('|'),
  raw: (values) => values.join(','),
  text: (values, texts) => texts.join(' + '),
  percentencode: (values) => values.map(encodeURIComponent).join(','),
  queryparam: (values, texts, name) => values.map((value) => `var-${name}=${encodeURIComponent(value)}`).join('&'),
};

/** The function that Grafana's code calls to fill in variables. */
export function replacer({ variables, from, to }) {
  const time = { __from: [from], __to: [to], __url_time_range: [`from=${from}&to=${to}`] };
  const lookup = (name, scoped) => {
    if (scoped?.[name]) {
      const value = [].concat(scoped[name].value);
      return { values: value, texts: value };
    }
    const found = variables[name] ?? (time[name] && { values: time[name], texts: time[name] });
    return found;
  };
  return (text, scoped, format) => {
    if (typeof text !== 'string') {
      return text;
    }
    return text.replace(/\$\{(\w+)((?:\.[^:}]+)?)(?::(\w+))?\}|\$(\w+)|\[\[(\w+)\]\]/g, (whole, braced, path, how, plain, old) => {
      const name = braced ?? plain ?? old;
      if (path && scoped?.[name]) {
        return get(scoped[name].value, path.slice(1), how) ?? whole;
      }
      const found = lookup(name, scoped);
      if (!found) {
        return whole;
      }
      const { values, texts } = found;
      if (name === '__url_time_range') {
        return values[0];
      }
      const use = how ?? (typeof format === 'string' ? format : undefined);
      return (FORMATS[use] ?? (values.length > 1 ? (all) => `{${all.join(',')}}` : FORMATS.raw))(values, texts, name);
    });
  };
}

// ${__data.fields["name"]} and ${__value.raw} are part of links; the packages offer what they need below `value`.
function get(value, path, how) {
  const steps = [...path.matchAll(/\["?([^"\]]+)"?\]|([^.[\]]+)/g)].map((match) => match[1] ?? match[2]);
  let found = value;
  for (const step of steps) {
    if (found === undefined || found === null) {
      return undefined;
    }
    found = step === 'fields' && found.fields === undefined ? fieldsOf(found) : found[step];
  }
  if (found === undefined || found === null) {
    return undefined;
  }
  return how === 'percentencode' ? encodeURIComponent(found) : String(found);
}

function fieldsOf({ frame, rowIndex }) {
  return Object.fromEntries((frame?.fields ?? []).map((field) => [field.state?.displayName ?? field.name, field.values[rowIndex]]));
}
