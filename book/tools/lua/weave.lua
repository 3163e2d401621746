-- weave.lua - the pandoc filter that makes an edition out of the document
-- that markdown.awk prepared.  Run before citeproc.
package.path = PANDOC_SCRIPT_FILE:gsub('[^/]*$', '?.lua;') .. package.path

local chunks = require 'chunks'
local numbering = require 'numbering'
local references = require 'references'
local figures = require 'figures'
local blocks = require 'blocks'
local problems = require 'problems'

local print_edition = FORMAT:match('latex') ~= nil
local out = print_edition and require 'latex' or require 'html'

local function sort_key(name)
    return (name:lower():gsub('^[^%w]+', ''))
end

local function sorted_rows(names, row)
    local rows = {}
    for name in pairs(names) do rows[#rows + 1] = row(name) end
    table.sort(rows, function(a, b)
        local x, y = sort_key(a.name), sort_key(b.name)
        if x == y then return a.name < b.name end
        return x < y
    end)
    return rows
end

local function chunk_rows()
    return sorted_rows(chunks.parts, function(name)
        return { name = name, defined = chunks.parts[name], used = chunks.users[name] or {} }
    end)
end

local function ident_rows()
    return sorted_rows(chunks.idents, function(name)
        return { name = name, defined = chunks.idents[name], used = chunks.ident_users(name) }
    end)
end

-- A heading of the back matter; `stem` names its page in the web edition.
local function back_heading(title, stem)
    return pandoc.Header(1, title, pandoc.Attr(stem, { 'unnumbered' }, { stem = stem }))
end

local function back_matter()
    local back = pandoc.List { out.back_start() }
    local hints = out.hints(numbering.exercises)
    if #hints > 0 then
        back:insert(back_heading('Hints', 'hints'))
        back:extend(hints)
    end
    back:insert(back_heading('Bibliography', 'bibliography'))
    back:insert(pandoc.Div({}, pandoc.Attr('refs')))
    back:insert(back_heading('Index of chunks', 'chunks'))
    back:insert(out.chunk_index(chunk_rows()))
    back:insert(back_heading('Index of identifiers', 'identifiers'))
    back:insert(out.ident_index(ident_rows()))
    return back
end

-- Chapter headings carry the name of their page.
local function name_pages(document)
    local stem_of = {}
    for _, chapter in ipairs(numbering.chapters) do
        if chapter.id then stem_of[chapter.id] = chapter.stem
        else problems.add(chapter.file .. ':1', 'no chapter heading (# Title {#ch:slug})') end
    end
    for _, b in ipairs(document.blocks) do
        if b.t == 'Header' and stem_of[b.identifier] then b.attributes.stem = stem_of[b.identifier] end
    end
end

function Pandoc(document)
    numbering.blocks(document.blocks)
    chunks.connect()
    name_pages(document)
    if not print_edition then figures.prepare(document) end
    local inlines = references.filter(out, document.meta.bibliography
        and pandoc.utils.stringify(document.meta.bibliography) or '')
    local body = pandoc.walk_block(pandoc.Div(document.blocks), inlines)
    for _, filter in ipairs(blocks.filters(out, inlines)) do
        body = pandoc.walk_block(body, filter)
    end
    problems.stop_if_any()
    document.blocks = body.content
    document.blocks:extend(pandoc.walk_block(pandoc.Div(back_matter()), { Header = out.header }).content)
    return document
end
