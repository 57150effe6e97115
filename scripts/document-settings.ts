/** Writes the settings of src/config.ts into the README's table and `.env.example`: `node scripts/document-settings.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { SETTINGS } from '../src/config.ts';

const root = resolve(import.meta.dirname, '..');
const BLOCK = /<!-- settings -->[\s\S]*<!-- \/settings -->/;

const rows = Object.entries(SETTINGS.properties).map(([name, schema]) => {
  const {
    default: value,
    description,
    enum: words,
  } = schema as unknown as { default: string | number | boolean; description: string; enum?: string[] };
  // Named here, unless the description explains them.
  const choice =
    words && !description.includes(`\`${words[0]}\``) ? ` (${words.map((word) => `\`${word}\``).join(', ')})` : '';
  return { name, value: String(value), description: description + choice };
});

export function readmeWithSettings(readme: string): string {
  const lines = rows.map(
    ({ name, value, description }) =>
      `| \`${name}\` | ${value === '' ? '' : `\`${value}\``} | ${description.replaceAll('|', '\\|')} |`,
  );
  return readme.replace(BLOCK, () =>
    ['<!-- settings -->', '| setting | default | what it is |', '|---|---|---|', ...lines, '<!-- /settings -->'].join(
      '\n',
    ),
  );
}

export function envExample(): string {
  const head =
    '# Settings of onsale. Copy to .env; what is commented out has its default. The environment wins over this file.\n';
  return head + rows.map(({ name, value, description }) => `\n# ${description}\n# ${name}=${value}\n`).join('');
}

if (import.meta.main) {
  const readme = resolve(root, 'README.md');
  writeFileSync(readme, readmeWithSettings(readFileSync(readme, 'utf8')));
  writeFileSync(resolve(root, '.env.example'), envExample());
}
