// What Grafana registers at its start and the packages expect: the standard options of fields, and transformations.
import {
  FieldConfigOptionsRegistry,
  displayNameOverrideProcessor,
  identityOverrideProcessor,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  thresholdsOverrideProcessor,
  valueMappingsOverrideProcessor,
  dataLinksOverrideProcessor,
} from '@grafana/data';

const STANDARD = [
  'unit', 'min', 'max', 'decimals', 'displayName', 'color', 'noValue', 'links', 'mappings', 'thresholds', 'filterable', 'fieldMinMax',
];
const PROCESSORS = {
  displayName: displayNameOverrideProcessor,
  links: dataLinksOverrideProcessor,
  mappings: valueMappingsOverrideProcessor,
  thresholds: thresholdsOverrideProcessor,
};

const option = (id, path, more) => ({
  id,
  path,
  name: id,
  editor: () => null,
  override: () => null,
  process: PROCESSORS[id] ?? identityOverrideProcessor,
  shouldApply: () => true,
  settings: {},
  ...more,
});

const standard = () => STANDARD.map((id) => option(id, id));

export function register() {
  standardFieldConfigEditorRegistry.setInit(standard);
  standardTransformersRegistry.setInit(() =>
    // Some stand in the list under two names.
    [...new Map(Object.values(standardTransformers).map((one) => [one.id, one])).values()].map((transformation) => ({
      id: transformation.id,
      name: transformation.name,
      transformation,
      editor: () => null,
    }))
  );
}

/** The options of one panel's fields: the standard ones and those of its own that it uses. */
export function optionsOf(panel, defaults) {
  const { defaults: given = {}, overrides = [] } = panel.fieldConfig ?? {};
  const custom = new Set([...Object.keys(defaults), ...Object.keys(given.custom ?? {})]);
  for (const { properties } of overrides) {
    for (const { id } of properties) {
      if (id.startsWith('custom.')) {
        custom.add(id.slice('custom.'.length));
      }
    }
  }
  const own = [...custom].map((path) => option(`custom.${path}`, path, { isCustom: true }));
  return new FieldConfigOptionsRegistry(() => [...standard(), ...own]);
}
