-- blocks.lua - the blocks that are more than Markdown: chunks, figures,
-- transcripts, listings, exercises, notes, invariants.
local chunks = require 'chunks'
local figures = require 'figures'
local lexer = require 'lexer'
local numbering = require 'numbering'
local references = require 'references'
local problems = require 'problems'

local M = {}

local exercise_of = {}

local function split_lines(s)
    local lines = {}
    for line in (s .. '\n'):gmatch('(.-)\n') do lines[#lines + 1] = line end
    return lines
end

local function transcript(out, block)
    local label = numbering.labels[block.identifier]
    local chapter = block.attributes.chapter or (label and label.file:match('/0*(%d+)%-')) or '?'
    local command = block.attributes.command or 'make run CHAPTER=' .. chapter
    return out.transcript(block.identifier, command, split_lines(block.text))
end

local function listing(out, block)
    local language, state, lines = lexer.language(block.classes[1]), {}, {}
    for i, line in ipairs(split_lines(block.text)) do lines[i] = lexer.tokens(language, line, state) end
    return out.listing(lines)
end

local function code_block(out, block, inlines)
    if figures.is_figure(block) then
        local label = numbering.labels[block.identifier] or { number = '?' }
        local figure = figures.figure(block, label, out.format == 'latex')
        figure.caption = pandoc.walk_block(pandoc.Plain(figure.caption), inlines).content
        return out.figure(figure)
    elseif block.classes:includes('run') then
        return transcript(out, block)
    end
    return listing(out, block)
end

local function exercise(out, div)
    local e = exercise_of[div.identifier]
    local content = pandoc.List()
    for _, b in ipairs(div.content) do
        if b.t == 'Div' and b.classes:includes('hint') then
            e.hints[#e.hints + 1] = b.content
            content:extend(out.hint(b.content:clone()))
        else
            content:insert(b)
        end
    end
    return out.exercise(e, content)
end

local known = { exercise = true, hint = true, note = true, refs = true, references = true }

local function div(out, d)
    if d.classes:includes('exercise') then return exercise(out, d) end
    if d.classes:includes('note') then return out.note(d.content) end
    if d.classes[1] and not known[d.classes[1]] then
        problems.add(problems.locate('::: ' .. d.classes[1]), 'the weave does not know ::: ' .. d.classes[1])
    end
end

local function raw_block(out, block)
    if block.format == 'nwchunk' then return out.chunk(numbering.chunk_of[block.text]) end
    if block.format ~= 'nwfile' then return nil end
    for _, chapter in ipairs(numbering.chapters) do
        if chapter.file == block.text:match('[^\n]+') then return out.file_start(chapter) or {} end
    end
end

local function quotation(out, q)
    local name = numbering.invariant_name(q)
    return name and out.invariant(name, q.content)
end

-- The two passes over blocks: contents first, then what encloses them.
function M.filters(out, inlines)
    for _, e in ipairs(numbering.exercises) do exercise_of[e.id] = e end
    return {
        {
            CodeBlock = function(b) return code_block(out, b, inlines) end,
            RawBlock = function(b) return raw_block(out, b) end,
        },
        {
            Div = function(d) return div(out, d) end,
            BlockQuote = function(q) return quotation(out, q) end,
            Header = out.header,
            Table = out.table,
        },
    }
end

return M
