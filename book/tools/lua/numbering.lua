-- numbering.lua - walks the document once, in order, and numbers chapters,
-- sections, chunks, figures, tables, exercises and invariants.  What can be
-- referred to gets an entry in `labels`.
local chunks = require 'chunks'
local problems = require 'problems'
local stringify = pandoc.utils.stringify

local M = {
    labels = {},      -- identifier -> { kind, number, title, file }
    chapters = {},    -- { number, stem, file, title, id, numbered }
    chunk_of = {},    -- text of a raw block -> chunk
    exercises = {},   -- in order: { id, number, level, kind, hints }
    runs = {},        -- identifiers of transcripts
}

local chapter                -- the one that is being walked
local count                  -- its counters

local function label(id, kind, number, title)
    if id == nil or id == '' then
        problems.add(chapter.file, 'a ' .. kind:lower() .. ' without an identifier ({#...})')
    elseif M.labels[id] then
        problems.add(problems.locate('#' .. id), 'the label ' .. id .. ' is given twice')
    else
        M.labels[id] = { kind = kind, number = number, title = title, file = chapter.file }
    end
end

local function next_number(counter)
    count[counter] = (count[counter] or 0) + 1
    return chapter.number .. '.' .. count[counter]
end

-- "book/08-weakpools.nw" is chapter 8, "book/A-tools.nw" appendix A.
local function begin_file(file)
    local stem = file:match('([^/]+)%.nw$') or file
    local number = stem:match('^[^-]+')
    chapter = { file = file, stem = stem, number = number:gsub('^0+(%d)', '%1') }
    count = {}
    M.chapters[#M.chapters + 1] = chapter
end

local walk = {}

local function is_unnumbered(h)
    return h.classes:includes('unnumbered') or not chapter.numbered
end

local function chapter_heading(h)
    if chapter.id then
        problems.add(problems.locate('# ' .. stringify(h.content)), 'a second level-one heading in one chapter')
    end
    chapter.title, chapter.id = stringify(h.content), h.identifier
    chapter.numbered = not h.classes:includes('unnumbered') and chapter.number ~= '0'
    local kind = chapter.number:match('%d') and 'Chapter' or 'Appendix'
    label(h.identifier, kind, chapter.numbered and chapter.number or nil, chapter.title)
end

function walk.Header(h)
    if h.level == 1 then return chapter_heading(h) end
    local number
    if not is_unnumbered(h) and h.level == 2 then
        number = next_number('section')
        count.subsection = 0
    elseif not is_unnumbered(h) and h.level == 3 then
        count.subsection = count.subsection + 1
        number = chapter.number .. '.' .. (count.section or 0) .. '.' .. count.subsection
    end
    label(h.identifier, 'Section', number, stringify(h.content))
    count.here = { number = number, title = stringify(h.content) }
end

function walk.RawBlock(b)
    if b.format == 'nwfile' then
        begin_file(b.text:match('[^\n]+'))
    elseif b.format == 'nwchunk' then
        local c = chunks.read(b.text, next_number('chunk'))
        c.chapter, c.section = chapter, count.here
        M.chunk_of[b.text] = c
    end
end

function walk.CodeBlock(b)
    if b.classes:includes('tikz') or b.classes:includes('graph') then
        label(b.identifier, 'Figure', next_number('figure'))
    elseif b.classes:includes('run') then
        M.runs[b.identifier] = true
        label(b.identifier, 'Run', nil, 'the run')
    end
end

-- pandoc 2.17 knows no attributes of tables: they end the caption, {#tab:x}.
function walk.Table(t)
    local caption = t.caption.long[1]
    local last = caption and caption.content[#caption.content]
    local id = last and last.t == 'Str' and last.text:match('^{#(tab:.-)}$')
    if not id then return end
    caption.content:remove()
    if #caption.content > 0 and caption.content[#caption.content].t == 'Space' then caption.content:remove() end
    t.attr.identifier = id
    label(id, 'Table', next_number('table'))
end

function walk.Div(d)
    if d.classes:includes('exercise') then
        local number = next_number('exercise')
        label(d.identifier, 'Exercise', number)
        M.exercises[#M.exercises + 1] = {
            id = d.identifier, number = number, level = tonumber(d.attributes.level) or 1,
            kind = d.attributes.kind or 'code', hints = {},
        }
    end
    M.blocks(d.content)
end

-- "W1" when the quotation begins with a bold "W1.", else nil.
function M.invariant_name(quote)
    local first = quote.content[1]
    local bold = first and first.content and first.content[1]
    if not bold or bold.t ~= 'Strong' then return nil end
    return stringify(bold):match('^(%u%a*%d+)%.?$')
end

function walk.BlockQuote(q)
    local name = M.invariant_name(q)
    if name then label('inv:' .. name, 'Invariant', name) end
end

function M.blocks(blocks)
    for _, b in ipairs(blocks) do
        if walk[b.t] then walk[b.t](b) end
    end
end

return M
