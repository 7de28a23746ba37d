/** The reference of all keys, as it stands in docs/operations/configuration.md: made here, so that it says what the program does. */
import { type Key, sections } from './keys.js';

/** One table of Markdown for each section. */
export function keyReference(): string {
  const tables = Object.entries(sections).map(([section, keys]) => {
    const rows = Object.entries(keys).map(([name, key]) => [
      `\`${name}\``,
      key.meaning,
      allowedText(key),
      `\`${JSON.stringify(key.default)}\``,
    ]);
    return `### [${section}]\n\n${tableOf([['key', 'meaning', 'allowed', 'default'], ...rows])}`;
  });
  return tables.join('\n\n');
}

function allowedText({ allowed, kind, default: standard }: Key): string {
  return kind === 'text' && standard === '' ? `${allowed}, or empty` : allowed;
}

function tableOf([head, ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  const line = (row: readonly string[]): string => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}
