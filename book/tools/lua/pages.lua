-- pages.lua - the pandoc filter that runs after citeproc and writes the
-- pages: one for each chapter, the indices and the bibliography, with all
-- links between them resolved.  With WEAVE_EDITION=epub it writes the parts
-- of an e-book instead (epub.lua).
package.path = PANDOC_SCRIPT_FILE:gsub('[^/]*$', '?.lua;') .. package.path

local text = require 'strings'
local problems = require 'problems'
local stringify = pandoc.utils.stringify
local esc = text.html

local tools = PANDOC_SCRIPT_FILE:gsub('lua/[^/]*$', '')
local edition = os.getenv('WEAVE_EDITION') or 'html'
local target = os.getenv('WEAVE_TARGET') or 'html'
local ending = edition == 'epub' and '.xhtml' or '.html'

-- Blocks between one level-one heading and the next are a page.
local function split(blocks)
    local pages = pandoc.List()
    for _, b in ipairs(blocks) do
        if b.t == 'Header' and b.level == 1 then
            local stem = b.attributes.stem or text.slug(stringify(b.content))
            b.attributes.stem = nil
            pages:insert { stem = stem, file = stem .. ending, id = b.identifier, title = stringify(b.content),
                blocks = pandoc.List(), sections = {} }
        end
        if #pages > 0 then pages[#pages].blocks:insert(b) end
    end
    return pages
end

local function without_permalink(h)
    local content = h.content:filter(function(e) return e.t ~= 'RawInline' or not e.text:match('permalink') end)
    return pandoc.write(pandoc.Pandoc { pandoc.Plain(content) }, 'html'):gsub('</?a[^>]*>', ''):gsub('\n$', '')
end

local function plain_text(b)
    if b.t == 'RawBlock' then
        return (b.text:gsub('<svg.-</svg>', ' '):gsub('<[^>]*>', ' '):gsub('&lt;', '<'):gsub('&gt;', '>')
            :gsub('&quot;', '"'):gsub('&amp;', '&'):gsub('%s+', ' '))
    end
    return stringify(pandoc.walk_block(b, {
        RawInline = function(r) return pandoc.Str((r.text:gsub('<[^>]*>', ''):gsub('&lt;', '<'):gsub('&gt;', '>')
            :gsub('&quot;', '"'):gsub('&amp;', '&'))) end,
    }))
end

-- The sections of a page, for the contents and for the search index.
local function find_sections(page)
    local here = { id = page.id, title = page.title, level = 1, words = {} }
    page.sections = { here }
    for _, b in ipairs(page.blocks) do
        if b.t == 'Header' and (b.level == 2 or b.level == 3) then
            here = { id = b.identifier, html = (without_permalink(b)), title = nil, level = b.level, words = {} }
            here.title = here.html:gsub('<[^>]*>', ''):gsub('&lt;', '<'):gsub('&gt;', '>'):gsub('&amp;', '&')
            page.sections[#page.sections + 1] = here
        elseif b.t ~= 'Header' then
            here.words[#here.words + 1] = plain_text(b)
        end
    end
end

local home = {}       -- identifier -> page file

local function write_body(page, meta)
    page.body = pandoc.write(pandoc.Pandoc(page.blocks, meta), 'html', PANDOC_WRITER_OPTIONS)
    page.body = page.body:gsub(' role="doc%-bib%a+"', '')     -- roles that ARIA has given up
    for id in page.body:gmatch('%sid="([^"]+)"') do home[id] = home[id] or page.file end
end

-- href="#x" becomes href="page.html#x" when x is on another page.
local function resolve(page, body)
    return (body:gsub('href="#([^"]+)"', function(id)
        local file = home[id]
        if not file then problems.add(page.file, 'a link to #' .. id .. ' leads nowhere') end
        return file == page.file and 'href="#' .. id .. '"' or 'href="' .. (file or '') .. '#' .. id .. '"'
    end))
end

local function contents(pages, current)
    local out = { '<ul>' }
    for _, p in ipairs(pages) do
        local here = p == current
        out[#out + 1] = string.format('<li%s><a href="%s"%s>%s</a>', here and ' class="here"' or '', p.file,
            here and ' aria-current="page"' or '', esc(p.title))
        local subs = {}
        for _, s in ipairs(p.sections) do
            if here and s.level == 2 then subs[#subs + 1] = '<li><a href="#' .. s.id .. '">' .. s.html .. '</a></li>' end
        end
        if #subs > 0 then out[#out + 1] = '<ul>' .. table.concat(subs) .. '</ul>' end
        out[#out + 1] = '</li>'
    end
    out[#out + 1] = '</ul>'
    return table.concat(out)
end

local function fill(template, values)
    return (template:gsub('{{(%w+)}}', function(key) return values[key] or '' end))
end

local function link(relation, page, label)
    if not page then return '' end
    return string.format('<a rel="%s" href="%s">%s</a>', relation, page.file, label)
end

local function write_page(template, pages, i, meta)
    local page, before, after = pages[i], pages[i - 1], pages[i + 1]
    local links = ''
    if before then links = links .. '<link rel="prev" href="' .. before.file .. '">\n' end
    if after then links = links .. '<link rel="next" href="' .. after.file .. '">\n' end
    text.write_file(target .. '/' .. page.file, fill(template, {
        search = os.getenv('WEAVE_SEARCH') == 'yes' and ' data-search="on"' or '',
        title = esc(page.title) .. (page.stem == 'index' and '' or ' · ' .. esc(meta.title)),
        book = esc(meta.title), links = links, contents = contents(pages, page), body = page.body,
        previous = link('prev', before, before and '← ' .. esc(before.title)),
        next = link('next', after, after and esc(after.title) .. ' →'),
    }))
end

local json_names = { ['"'] = '\\"', ['\\'] = '\\\\', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t', ['<'] = '\\u003c' }
local function json(s)
    return '"' .. s:gsub('[%c"\\<]', function(c) return json_names[c] or string.format('\\u%04x', c:byte()) end) .. '"'
end

-- Every chunk once more, for previews and unfolding, in a script: pages that
-- are opened as files may not read one another.
local function write_chunks(pages)
    local out = {}
    for _, page in ipairs(pages) do
        for chunk in page.body:gmatch('<figure class="chunk".-</figure>') do
            local id = chunk:match('id="([^"]+)"')
            local there = chunk:gsub('href="#', 'href="' .. page.file .. '#')
            out[#out + 1] = json(id) .. ':' .. json(there)
        end
    end
    text.write_file(target .. '/chunks.js', 'window.bookChunks = {\n' .. table.concat(out, ',\n') .. '\n}\n')
end

local function write_search_documents(pages)
    local out = {}
    for _, page in ipairs(pages) do
        for _, s in ipairs(page.sections) do
            local words = table.concat(s.words, ' ')
            if page.searchable and words:match('%S') then
                out[#out + 1] = string.format('{"id":%s,"title":%s,"page":%s,"text":%s}',
                    json(page.file .. '#' .. s.id), json(s.title), json(page.title), json(words))
            end
        end
    end
    text.write_file((os.getenv('WEAVE_OUT') or 'build/book') .. '/search.json', '[' .. table.concat(out, ',\n') .. ']\n')
end

local not_searchable = text.set [[index chunks identifiers bibliography]]

-- The first page: title, what the book is, the contents with their sections.
local function start_page(pages, meta)
    local out = { '<div class="cover"><h1 id="start">', esc(meta.title), '</h1><p class="subtitle">', esc(meta.subtitle),
        '</p><p class="author">', esc(meta.author), '</p><p class="count">', esc(meta.lines), '</p></div>',
        '<div class="abstract">', meta.abstract, '</div><h2 id="toc">Contents</h2><ol class="toc">' }
    for _, p in ipairs(pages) do
        out[#out + 1] = string.format('<li><a href="%s">%s</a>', p.file, esc(p.title))
        local subs = {}
        for _, s in ipairs(p.sections) do
            if s.level == 2 then subs[#subs + 1] = string.format('<a href="%s#%s">%s</a>', p.file, s.id, s.html) end
        end
        if #subs > 0 then out[#out + 1] = '<p>' .. table.concat(subs, ' · ') .. '</p>' end
        out[#out + 1] = '</li>'
    end
    out[#out + 1] = '</ol>'
    return { stem = 'index', file = 'index' .. ending, id = 'start', title = meta.title,
        body = table.concat(out), sections = {} }
end

local function read_meta(meta)
    local function get(key) return meta[key] and stringify(meta[key]) or '' end
    local abstract = meta.abstract or pandoc.List()
    if pandoc.utils.type(abstract) == 'Inlines' then abstract = pandoc.List { pandoc.Para(abstract) } end
    abstract = pandoc.write(pandoc.Pandoc(abstract), 'html')
    return { title = get 'title', subtitle = get 'subtitle', author = get 'author', lines = get 'lines',
        identifier = get 'identifier', rights = get 'rights', date = get 'date', abstract = abstract }
end

function Pandoc(document)
    local meta = read_meta(document.meta)
    local pages = split(document.blocks)
    for _, page in ipairs(pages) do
        page.searchable = not not_searchable[page.stem]
        find_sections(page)
        write_body(page, document.meta)
    end
    for _, page in ipairs(pages) do page.body = resolve(page, page.body) end
    problems.stop_if_any()
    pages:insert(1, start_page(pages, meta))
    if edition == 'epub' then
        require('epub').write(target, pages, meta)
    else
        local template = text.read_file(tools .. 'web/page.html')
        for i in ipairs(pages) do write_page(template, pages, i, meta) end
        write_chunks(pages)
        write_search_documents(pages)
    end
    return pandoc.Pandoc {}
end
