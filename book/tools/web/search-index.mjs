// search-index.mjs PACKAGE DOCUMENTS - prints a script that sets
// window.bookIndex to a minisearch index of the sections of the book.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [packageDir, documents] = process.argv.slice(2);
const { default: MiniSearch } = await import(pathToFileURL(resolve(packageDir, 'dist/es/index.js')));

const options = { fields: ['title', 'text'], storeFields: ['title', 'page', 'text'] };
const index = new MiniSearch(options);
index.addAll(JSON.parse(readFileSync(documents, 'utf8')));
const data = JSON.stringify({ options, index: index.toJSON() });
process.stdout.write('window.bookIndex = ' + data.replace(/</g, '\\u003c') + ';\n');
