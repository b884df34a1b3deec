// Words.
import { renderMarkdown } from '@grafana/data';

function Text({ options, context: { replace } }) {
  const content = replace(options.content ?? '');
  const html = options.mode === 'html' ? content : renderMarkdown(content);
  return <div className="markdown-html" dangerouslySetInnerHTML={{ __html: html }} />;
}

export default { component: Text };
