// search-index.cjs PACKAGE DOCUMENTS - prints a script that sets
// window.bookIndex to a minisearch index of the sections of the book.
const fs = require('fs');
const path = require('path');
const MiniSearch = require(path.resolve(process.argv[2], 'dist/umd/index.js'));

const options = { fields: ['title', 'text'], storeFields: ['title', 'page', 'text'] };
const index = new MiniSearch(options);
index.addAll(JSON.parse(fs.readFileSync(process.argv[3], 'utf8')));
const data = JSON.stringify({ options, index: index.toJSON() });
process.stdout.write('window.bookIndex = ' + data.replace(/</g, '\\u003c') + ';\n');
