// book.js - what the web edition does beyond links: the theme switch, the
// contents on narrow screens, the preview and the unfolding of chunks, search
// and keys.  Works from file: and asks nothing of any other host.
'use strict';

const $ = (selector, from = document) => from.querySelector(selector);

// A script of the book that is needed only now: chunks.js, search.js, ...
const loaded = {};
function load(file) {
    loaded[file] ??= new Promise((done, failed) => {
        const script = document.createElement('script');
        script.src = file;
        script.onload = done;
        script.onerror = failed;
        document.head.append(script);
    });
    return loaded[file];
}

// ---- light, dark, or as the system says

const themes = ['auto', 'light', 'dark'];

function showTheme(theme) {
    document.documentElement.dataset.theme = theme;
    $('#theme').textContent = { auto: '◐ Auto', light: '☀ Light', dark: '☾ Dark' }[theme];
    $('#theme').setAttribute('aria-label', 'Theme: ' + theme + '; change');
}

function nextTheme() {
    const now = document.documentElement.dataset.theme || 'auto';
    const next = themes[(themes.indexOf(now) + 1) % themes.length];
    try { localStorage.setItem('theme', next); } catch (e) { /* private window */ }
    showTheme(next);
}

// ---- contents on narrow screens

function toggleContents() {
    const open = $('#contents').classList.toggle('open');
    $('#menu').setAttribute('aria-expanded', open);
}

// ---- chunks: from this page, or from the copy of all in chunks.js

async function findChunk(id) {
    const here = document.getElementById(id);
    if (here) return here.classList.contains('chunk') ? here.cloneNode(true) : null;
    try { await load('chunks.js'); } catch (e) { return null; }
    const html = window.bookChunks?.[id];
    if (!html) return null;
    const box = document.createElement('div');
    box.innerHTML = html;
    return box.firstElementChild;
}

// A copy may not repeat the identifiers of the page, nor the buttons.
function asCopy(chunk) {
    chunk.removeAttribute('id');
    for (const e of chunk.querySelectorAll('[id]')) e.removeAttribute('id');
    for (const e of chunk.querySelectorAll('.unfold, .unfolded')) e.remove();
    return chunk;
}

// ---- preview: hover, focus or a first tap shows the chunk behind a link

const previewable = 'a.cu, a.iu, a.cx, a.pn';
let preview, previewLink;

function hidePreview() {
    preview?.remove();
    preview = previewLink = null;
}

function place(box, link) {
    const at = link.getBoundingClientRect();
    const room = document.documentElement.clientWidth - box.offsetWidth - 8;
    box.style.left = Math.max(8, Math.min(at.left, room)) + scrollX + 'px';
    const below = at.bottom + box.offsetHeight < innerHeight || at.top < box.offsetHeight;
    box.style.top = (below ? at.bottom + 4 : at.top - box.offsetHeight - 4) + scrollY + 'px';
}

async function showPreview(link, tapped) {
    if (link === previewLink || link.closest('#preview')) return;
    hidePreview();
    previewLink = link;
    const chunk = await findChunk(decodeURIComponent(link.hash.slice(1)));
    if (previewLink !== link) return;
    if (!chunk) {
        previewLink = null;
        if (tapped) location.href = link.href;
        return;
    }
    preview = document.createElement('aside');
    preview.id = 'preview';
    preview.setAttribute('aria-label', 'Preview of a chunk');
    preview.append(asCopy(chunk));
    if (tapped) {
        const go = document.createElement('a');
        go.className = 'go';
        go.href = link.href;
        go.textContent = 'Go to this chunk →';
        preview.append(go);
    }
    document.body.append(preview);
    place(preview, link);
}

function watchLinks() {
    let timer;
    document.addEventListener('pointerover', (e) => {
        if (e.pointerType === 'touch') return;
        const link = e.target.closest(previewable);
        clearTimeout(timer);
        if (link) timer = setTimeout(showPreview, 150, link);
        else if (!e.target.closest('#preview')) timer = setTimeout(hidePreview, 250);
    });
    document.addEventListener('focusin', (e) => {
        const link = e.target.closest(previewable);
        if (link && link.matches(':focus-visible')) showPreview(link);
        else if (!e.target.closest('#preview')) hidePreview();
    });
    document.addEventListener('click', (e) => {
        const link = e.target.closest(previewable);
        if (link && e.pointerType === 'touch' && link !== previewLink && !link.closest('#preview')) {
            e.preventDefault();
            showPreview(link, true);
        } else if (!e.target.closest('#preview')) {
            hidePreview();
        }
    });
}

// ---- unfolding: the code behind a reference, shown where it is used

function linesOf(chunk) {
    const code = $('pre code', chunk).cloneNode(true);
    for (const e of code.querySelectorAll('[id]')) e.removeAttribute('id');
    return code;
}

async function unfold(button) {
    const old = button.parentElement.nextElementSibling;
    if (button.getAttribute('aria-expanded') === 'true') {
        if (old?.classList.contains('unfolded')) old.remove();
        button.setAttribute('aria-expanded', 'false');
        button.textContent = '+';
        return;
    }
    const box = document.createElement('span');
    box.className = 'unfolded';
    for (const id of button.link.dataset.parts.split(' ')) {
        const chunk = await findChunk(id);
        if (!chunk) continue;
        if (box.childNodes.length) box.append('\n');
        box.append(...linesOf(asCopy(chunk)).childNodes);
    }
    button.parentElement.after(box);
    button.setAttribute('aria-expanded', 'true');
    button.textContent = '−';
    addUnfoldButtons(box);
}

function addUnfoldButtons(within) {
    for (const link of within.querySelectorAll('pre .l > a.cu, .unfolded .l > a.cu')) {
        if (link.nextElementSibling?.classList.contains('unfold')) continue;
        const button = document.createElement('button');
        button.className = 'unfold';
        button.link = link;
        button.textContent = '+';
        button.setAttribute('aria-expanded', 'false');
        button.setAttribute('aria-label', 'Expand ' + link.textContent + ' in place');
        button.addEventListener('click', () => unfold(button));
        link.after(button);
    }
}

// ---- search: minisearch and an index made when the book was woven

let searcher;

async function openSearch() {
    await load('minisearch.js');
    await load('search.js');
    searcher ??= window.MiniSearch.loadJS(window.bookIndex.index, window.bookIndex.options);
}

function excerpt(text, terms) {
    const lower = text.toLowerCase();
    const at = Math.max(0, Math.min(...terms.map((t) => lower.indexOf(t)).filter((n) => n >= 0), Infinity));
    const from = Number.isFinite(at) ? Math.max(0, at - 60) : 0;
    return (from > 0 ? '… ' : '') + text.slice(from, from + 180) + ' …';
}

// Text with the found words marked.
function marked(text, terms) {
    const out = document.createElement('span');
    const words = terms.filter((t) => t).map((t) => t.replace(/[^\w]/g, '\\$&'));
    const parts = words.length ? text.split(new RegExp('(' + words.join('|') + ')', 'gi')) : [text];
    parts.forEach((part, i) => {
        const node = document.createElement(i % 2 ? 'mark' : 'span');
        node.textContent = part;
        out.append(node);
    });
    return out;
}

function resultItem(hit) {
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.href = hit.id;
    link.textContent = hit.title;
    const where = document.createElement('small');
    where.textContent = hit.page === hit.title ? '' : hit.page;
    item.append(link, where, marked(excerpt(hit.text, hit.terms), hit.terms));
    return item;
}

async function search(words) {
    const results = $('#results');
    if (!words.trim()) {
        results.hidden = true;
        results.replaceChildren();
        return;
    }
    await openSearch();
    const hits = searcher.search(words, { prefix: true, fuzzy: 0.15, boost: { title: 3 } }).slice(0, 20);
    const title = document.createElement('h2');
    title.textContent = hits.length ? 'Found' : 'Nothing found';
    const list = document.createElement('ol');
    list.append(...hits.map(resultItem));
    results.replaceChildren(title, list);
    results.hidden = false;
    scrollTo({ top: 0 });
}

function setUpSearch() {
    if (!document.documentElement.dataset.search) return;
    const form = $('#search');
    form.hidden = false;
    form.addEventListener('submit', (e) => {
        e.preventDefault();
        $('#results a')?.focus();
    });
    $('input', form).addEventListener('input', (e) => search(e.target.value));
    $('input', form).addEventListener('focus', openSearch);
}

// ---- keys: arrows turn pages, / searches, Escape closes

function onKey(e) {
    if (e.altKey || e.ctrlKey || e.metaKey) return;
    if (e.key === 'Escape') {
        hidePreview();
        if (e.target.matches?.('#search input')) { e.target.value = ''; search(''); e.target.blur(); }
        return;
    }
    if (e.target.matches?.('input, textarea, select, pre')) return;
    const page = { ArrowLeft: 'prev', ArrowRight: 'next' }[e.key];
    if (page) {
        const link = $('.pager a[rel=' + page + ']');
        if (link) location.href = link.href;
    } else if (e.key === '/' && !$('#search').hidden) {
        e.preventDefault();
        $('#search input').focus();
    }
}

// Code that must be scrolled sideways can be reached by key.
function makeScrollable() {
    for (const box of document.querySelectorAll('pre, table')) {
        if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
        else box.removeAttribute('tabindex');
    }
}

showTheme(document.documentElement.dataset.theme || 'auto');
$('#theme').hidden = false;
$('#theme').addEventListener('click', nextTheme);
$('#menu').addEventListener('click', toggleContents);
watchLinks();
addUnfoldButtons(document);
setUpSearch();
makeScrollable();
addEventListener('resize', makeScrollable);
document.addEventListener('keydown', onKey);
