-- html.lua - how the web edition (and the EPUB) looks: every function turns
-- one thing into HTML that is also well-formed XML, for book.css.
local text = require 'strings'
local chunks = require 'chunks'
local numbering = require 'numbering'
local esc, html_id = text.html, text.html_id

local M = { format = 'html' }

function M.block(s) return pandoc.RawBlock('html', s) end
function M.inline(s) return pandoc.RawInline('html', s) end

-- A chunk's name: files in typewriter, [[code]] inside too.
local function name(s)
    if chunks.is_file(s) then return '<code>' .. esc(s) .. '</code>' end
    return (esc(s):gsub('%[%[(.-)%]%]', '<code>%1</code>'))
end

local function part_ids(chunk_name)
    local ids = {}
    for i, c in ipairs(chunks.parts[chunk_name]) do ids[i] = c.slug end
    return table.concat(ids, ' ')
end

function M.chunk_reference(chunk_name)
    local c = chunks.parts[chunk_name][1]
    return string.format('<a class="cu" href="#%s" data-parts="%s">⟨%s <small>%s</small>⟩</a>', c.slug,
        part_ids(chunk_name), name(chunk_name), c.number)
end

local function ident_link(target, body)
    return string.format('<a class="iu" href="#%s">%s</a>', target.slug, body)
end

function M.quoted_code(s, target)
    local body = '<code>' .. esc(s) .. '</code>'
    return target and ident_link(target, body) or body
end

function M.reference(id, l)
    local what = l.kind .. ' ' .. (l.number or '')
    if l.kind == 'Invariant' then what = l.number
    elseif l.kind == 'Run' then what = l.title
    elseif not l.number then what = '“' .. l.title .. '”' end
    return string.format('<a class="xr" href="#%s">%s</a>', html_id(id), esc(what))
end

local function places(list)
    local out = {}
    for i, c in ipairs(list) do
        if #list > 6 and i > 2 and i < #list then
            if i == 3 then out[#out + 1] = '…' end
        else
            out[#out + 1] = string.format('<a class="cx" href="#%s">%s</a>', c.slug, c.number)
        end
    end
    return table.concat(out, ', ')
end

local function token(t)
    if t.kind == 'use' then
        return chunks.parts[t.name] and M.chunk_reference(t.name) or esc(t.name)
    end
    local body = esc(t.text)
    if t.kind == 'sp' or t.kind == 'op' then return body end
    if t.kind ~= 'id' then return string.format('<span class="%s">%s</span>', t.kind, body) end
    if t.defines then return '<b class="def">' .. body .. '</b>' end
    return t.target and ident_link(t.target, body) or body
end

local function line(tokens, number)
    local out = {}
    for i, t in ipairs(tokens) do out[i] = token(t) end
    local gutter = number and string.format(' data-n="%d"', number) or ''
    return string.format('<span class="l"%s>%s</span>', gutter, table.concat(out))
end

local function lines(c)
    local out = {}
    for i, l in ipairs(c.lines) do out[i] = line(l.tokens, l.number) end
    if #out == 0 then return '<span class="l empty">(nothing yet)</span>' end
    return table.concat(out, '\n')
end

local function caption(c)
    local out = { string.format('<a class="n" href="#%s">%s</a> <span class="cn">⟨%s⟩%s≡</span>', c.slug, c.number,
        name(c.name), (c.part > 1 and not c.replaces) and '+' or '') }
    if c.previous then
        out[#out + 1] = string.format('<a class="pn" href="#%s" title="previous part">◂ %s</a>', c.previous.slug,
            c.previous.number)
    end
    if c.next then
        out[#out + 1] = string.format('<a class="pn" href="#%s" title="next part">%s ▸</a>', c.next.slug, c.next.number)
    end
    out[#out + 1] = string.format('<span class="src">%s:%d</span>', esc(c.file), c.line)
    return table.concat(out, ' ')
end

local function footer(c)
    local out, more = {}, {}
    local parts = chunks.parts[c.name]
    for i, p in ipairs(parts) do if p ~= c and (c.part == 1 or i == 1) then more[#more + 1] = p end end
    if c.replaces and c.previous then out[#out + 1] = 'Replaces ' .. places { parts[1] }
    elseif #more > 0 then out[#out + 1] = (c.part == 1 and 'Continued in ' or 'Begun in ') .. places(more) end
    if c.replaced_by then out[#out + 1] = 'Replaced in ' .. places { c.replaced_by } end
    if chunks.users[c.name] then out[#out + 1] = 'Used in ' .. places(chunks.users[c.name]) end
    if #c.idents > 0 then
        local idents = {}
        for i, ident in ipairs(c.idents) do idents[i] = '<code>' .. esc(ident) .. '</code>' end
        out[#out + 1] = 'Defines ' .. table.concat(idents, ', ')
    end
    return #out > 0 and '<footer>' .. table.concat(out, ' · ') .. '</footer>' or ''
end

function M.chunk(c)
    return M.block(table.concat {
        '<figure class="chunk" id="', c.slug, '"><figcaption>', caption(c), '</figcaption><pre><code>',
        lines(c), '</code></pre>', footer(c), '</figure>',
    })
end

function M.listing(token_lines)
    local out = {}
    for i, tokens in ipairs(token_lines) do out[i] = line(tokens) end
    return M.block('<pre class="listing"><code>' .. table.concat(out, '\n') .. '</code></pre>')
end

function M.transcript(id, command, run_lines)
    local out = {}
    for i, l in ipairs(run_lines) do out[i] = l == '…' and '<span class="skip-line">…</span>' or esc(l) end
    return M.block(string.format(
        '<figure class="run" id="%s"><figcaption><code>%s</code></figcaption><pre><samp>%s</samp></pre></figure>',
        html_id(id), esc(command), table.concat(out, '\n')))
end

local function write_inlines(inlines)
    return (pandoc.write(pandoc.Pandoc { pandoc.Plain(inlines) }, 'html', PANDOC_WRITER_OPTIONS):gsub('\n$', ''))
end

function M.figure(figure)
    return M.block(string.format(
        '<figure class="fig" id="%s">%s<figcaption><b>Figure %s.</b> %s</figcaption></figure>',
        html_id(figure.id), figure.svg, figure.number, write_inlines(figure.caption)))
end

local levels = { 'to an hour', 'two to four hours', 'six hours or more' }

function M.exercise(exercise, content)
    local head = string.format(
        '<p class="exh"><a href="#%s">Exercise %s</a> <span class="stars" role="img" aria-label="level %d of 3: %s">%s</span> <span class="kind">%s</span></p>',
        html_id(exercise.id), exercise.number, exercise.level, levels[exercise.level] or '',
        string.rep('★', exercise.level), esc(exercise.kind))
    content:insert(1, M.block(head))
    return pandoc.Div(content, pandoc.Attr(html_id(exercise.id), { 'exercise' }))
end

function M.hint(content)
    local out = pandoc.List { M.block '<details class="hint"><summary>Hint</summary>' }
    out:extend(content)
    out:insert(M.block '</details>')
    return out
end

function M.hints() return pandoc.List() end

function M.note(content)
    content:insert(1, M.block '<div class="note" role="note">')
    content:insert(M.block '</div>')
    return content
end

function M.invariant(invariant_name, content)
    return pandoc.Div(content, pandoc.Attr(html_id('inv:' .. invariant_name), { 'invariant' }))
end

-- The number before a heading, the permanent link after it.
function M.header(h)
    local l = numbering.labels[h.identifier]
    local id = html_id(h.identifier)
    if l and l.number then
        local word = l.kind == 'Appendix' and 'Appendix ' or ''
        h.content:insert(1, pandoc.Space())
        h.content:insert(1, pandoc.Span({ pandoc.Str(word .. l.number) }, pandoc.Attr('', { 'secno' })))
    end
    if h.level > 1 then
        h.content:insert(M.inline(string.format(
            ' <a class="permalink" href="#%s" aria-label="Link to this section">§</a>', id)))
    end
    h.identifier = id
    return h
end

function M.table(t)
    local l = numbering.labels[t.attr.identifier]
    if not l then return nil end
    local content = t.caption.long[1].content
    content:insert(1, pandoc.Space())
    content:insert(1, pandoc.Strong { pandoc.Str('Table ' .. l.number .. '.') })
    t.attr.identifier = html_id(t.attr.identifier)
    return t
end

function M.file_start() return nil end
function M.back_start() return nil end

local function index(rows, class, key)
    local out = {}
    for i, r in ipairs(rows) do
        out[i] = string.format('<li>%s <b>%s</b>%s</li>', key(r.name), places(r.defined),
            #r.used > 0 and '; ' .. places(r.used) or '')
    end
    return M.block('<ul class="nwindex ' .. class .. '">\n' .. table.concat(out, '\n') .. '\n</ul>')
end

function M.chunk_index(rows)
    return index(rows, 'chunks', function(s) return '⟨' .. name(s) .. '⟩' end)
end

function M.ident_index(rows)
    return index(rows, 'idents', function(s) return '<code>' .. esc(s) .. '</code>' end)
end

return M
