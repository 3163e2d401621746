-- latex.lua - how the print edition looks: every function turns one thing
-- into LaTeX for the macros of rux.sty.
local text = require 'strings'
local chunks = require 'chunks'
local numbering = require 'numbering'
local esc, code = text.latex, text.latex_code

local M = { format = 'latex' }

function M.block(s) return pandoc.RawBlock('latex', s) end
function M.inline(s) return pandoc.RawInline('latex', s) end

local function chunk_label(c) return 'c:' .. c.number end

-- A chunk's name: files in typewriter, [[code]] inside too.
local function name(s)
    if chunks.is_file(s) then return '\\texttt{' .. code(s) .. '}' end
    local out, from = {}, 1
    for before, quoted, after in s:gmatch('(.-)%[%[(.-)%]%]()') do
        out[#out + 1] = esc(before) .. '\\texttt{' .. code(quoted) .. '}'
        from = after
    end
    return table.concat(out) .. esc(s:sub(from))
end

function M.chunk_reference(chunk_name)
    local c = chunks.parts[chunk_name][1]
    return string.format('\\NWuse{%s}{%s}{%s}', chunk_label(c), name(chunk_name), c.number)
end

function M.quoted_code(s, target)
    local set = '\\texttt{' .. code(s):gsub('\\_', '\\_\\allowbreak{}') .. '}'
    if not target then return set end
    return string.format('\\hyperref[%s]{%s}', chunk_label(target), set)
end

function M.reference(id, l)
    if l.kind == 'Invariant' then return string.format('\\hyperref[%s]{%s}', id, l.number) end
    local what = l.number and l.kind .. '~' .. l.number or '“' .. esc(l.title) .. '”'
    if l.kind == 'Run' then what = esc(l.title) end
    return string.format('\\hyperref[%s]{%s}', id, what)
end

-- "2.3 (p. 41), 5.1 (p. 77)"; of a long list the first two and the last.
local function places(list)
    local out = {}
    for i, c in ipairs(list) do
        if #list > 6 and i > 2 and i < #list then
            if i == 3 then out[#out + 1] = '\\dots' end
        else
            out[#out + 1] = string.format('\\NWxr{%s}{%s}', chunk_label(c), c.number)
        end
    end
    return table.concat(out, ', ')
end

local function footer(c)
    local out = {}
    local first = chunks.parts[c.name][1]
    if c.replaces and c.previous then
        out[#out + 1] = 'Replaces ' .. places { first } .. '.'
    elseif c.part > 1 then
        out[#out + 1] = 'Begun in ' .. places { first } .. '.'
    else
        local more = {}
        for i = 2, #chunks.parts[c.name] do more[#more + 1] = chunks.parts[c.name][i] end
        if #more > 0 then out[#out + 1] = 'Continued in ' .. places(more) .. '.' end
        if chunks.users[c.name] then out[#out + 1] = 'Used in ' .. places(chunks.users[c.name]) .. '.' end
    end
    if c.replaced_by then out[#out + 1] = 'Replaced in ' .. places { c.replaced_by } .. '.' end
    return table.concat(out, ' ')
end

local function token(t)
    if t.kind == 'use' then
        if not chunks.parts[t.name] then return esc(t.name) end
        return M.chunk_reference(t.name)
    end
    if t.kind == 'sp' then return string.rep('\\NWs{}', #t.text) end
    local set = code(t.text)
    if t.kind ~= 'op' and t.kind ~= 'id' then
        return '\\NW' .. t.kind .. '{' .. (t.kind == 'com' and esc(t.text) or set:gsub(' ', '\\NWs{}')) .. '}'
    end
    if t.defines then return '\\NWdefid{' .. set .. '}' end
    if t.target then return string.format('\\hyperref[%s]{%s}', chunk_label(t.target), set) end
    return set
end

local function line(tokens)
    local out = {}
    for i, t in ipairs(tokens) do out[i] = token(t) end
    return '\\NWl{' .. table.concat(out) .. '}'
end

-- Pages break between lines, but not next to a chunk's first or last two.
local function lines(c)
    local out = {}
    for i, l in ipairs(c.lines) do
        local keep = #c.lines <= 5 or i <= 2 or i >= #c.lines - 2
        local stop = i == #c.lines and '' or keep and '\\NWkeep' or '\\NWbreak'
        out[#out + 1] = line(l.tokens) .. stop
    end
    return #out > 0 and table.concat(out, '\n') or '\\NWempty'
end

-- How many lines of the margin's small type fit beside a chunk.
local function margin_room(c) return math.floor((#c.lines * 11 + 30) / 8.5) end

-- The identifiers for the margin: all, or those of other chapters, or the first.
local function margin_idents(c)
    local all, far = chunks.foreign_idents(c), {}
    local room = margin_room(c)
    if #all <= room then return all, false end
    for _, ident in ipairs(all) do
        if c.used_idents[ident].chapter ~= c.chapter then far[#far + 1] = ident end
    end
    return { table.unpack(far, 1, math.min(#far, room)) }, #far > room
end

local function margin(c)
    local out = {}
    local idents, more = margin_idents(c)
    for _, ident in ipairs(idents) do
        out[#out + 1] = string.format('\\NWmi{%s}{%s}', chunk_label(c.used_idents[ident]), code(ident))
    end
    if more then out[#out + 1] = '\\dots' end
    return #out > 0 and '\\NWmargin{' .. table.concat(out) .. '}' or ''
end

function M.chunk(c)
    return M.block(table.concat({
        string.format('\\begin{nwchunk}{%s}{%s}{%s}{%s}', chunk_label(c), c.number, name(c.name),
            (c.part > 1 and not c.replaces) and '+' or ''),
        margin(c),
        lines(c),
        '\\end{nwchunk}\\NWfoot{' .. footer(c) .. '}',
    }, '\n'))
end

-- Code that is quoted in a fenced block, and transcripts: tokens of no chunk.
function M.listing(token_lines)
    local out = {}
    for i, tokens in ipairs(token_lines) do out[i] = line(tokens) end
    return M.block('\\begin{nwlisting}\n' .. table.concat(out, '\\NWkeep\n') .. '\n\\end{nwlisting}')
end

function M.transcript(id, command, run_lines)
    local out = {}
    for i, l in ipairs(run_lines) do
        out[i] = '\\NWl{' .. (l == '…' and '\\dots' or code(l):gsub(' ', '\\NWs{}')) .. '}'
    end
    return M.block(string.format('\\begin{nwrun}{%s}{%s}\n%s\n\\end{nwrun}', id, code(command),
        table.concat(out, '\\NWkeep\n')))
end

local function write_inlines(inlines)
    return pandoc.write(pandoc.Pandoc { pandoc.Plain(inlines) }, 'latex')
end

function M.figure(figure)
    return M.block(string.format(
        '\\begin{figure}[!htb]\\centering\n%s\n\\renewcommand\\thefigure{%s}\\caption{%s}\\label{%s}\\end{figure}',
        figure.source, figure.number, write_inlines(figure.caption), figure.id))
end

local function stars(level) return string.rep('\\NWstar', level) end

function M.exercise(exercise, content)
    content:insert(1, M.block(string.format('\\begin{nwexercise}{%s}{%s}{%s}{%s}', exercise.id, exercise.number,
        stars(exercise.level), esc(exercise.kind))))
    if #exercise.hints > 0 then
        content:insert(M.block(string.format('\\NWhint{%s}', 'hint:' .. exercise.id)))
    end
    content:insert(M.block '\\end{nwexercise}')
    return content
end

-- Hints wait at the end of the book.
function M.hint() return {} end

function M.hints(exercises)
    local out = pandoc.List()
    for _, exercise in ipairs(exercises) do
        for i, content in ipairs(exercise.hints) do
            if i == 1 then
                out:insert(M.block(string.format('\\NWhintfor{%s}{%s}{%s}', 'hint:' .. exercise.id, exercise.id,
                    exercise.number)))
            end
            out:extend(content)
        end
    end
    return out
end

function M.note(content)
    content:insert(1, M.block '\\begin{nwnote}')
    content:insert(M.block '\\end{nwnote}')
    return content
end

function M.invariant(invariant_name, content)
    content:insert(1, M.block('\\begin{nwinvariant}{inv:' .. invariant_name .. '}'))
    content:insert(M.block '\\end{nwinvariant}')
    return content
end

-- What has no number in our count must have none in LaTeX's, and names its
-- pages itself.
function M.header(h)
    local l = numbering.labels[h.identifier]
    if h.level > 3 or (l and l.number) then return nil end
    if not h.classes:includes('unnumbered') then h.classes:insert('unnumbered') end
    if h.level > 1 then return h end
    local title = esc(pandoc.utils.stringify(h.content))
    return { h, M.block(string.format('\\markboth{%s}{%s}', title, title)) }
end

function M.table(t)
    local l = numbering.labels[t.attr.identifier]
    if not l then return nil end
    t.caption.long[1].content:insert(M.inline('\\label{' .. t.attr.identifier .. '}'))
    t.attr.identifier = ''
    return { M.block('\\renewcommand\\thetable{' .. l.number .. '}'), t }
end

-- What stands between the files: front, main and back matter, and a counter
-- that agrees with the file's name even when a chapter is missing.
function M.file_start(chapter)
    if not chapter.numbered then return M.block '\\NWunnumbered' end
    if chapter.number:match('%d') then
        return M.block(string.format('\\NWmainmatter\\setcounter{chapter}{%d}', tonumber(chapter.number) - 1))
    end
    return M.block(string.format('\\NWappendix\\setcounter{chapter}{%d}', chapter.number:byte() - 65))
end

function M.back_start() return M.block '\\backmatter' end

local function index(items)
    return M.block('\\begin{nwindex}\n' .. table.concat(items, '\n') .. '\n\\end{nwindex}')
end

-- Pages, each once; those of definitions bold.
local function pages(list)
    local out = {}
    for i, c in ipairs(list) do out[i] = '\\NWpage{' .. chunk_label(c) .. '}' end
    return table.concat(out)
end

local function index_item(key, defined, used)
    return string.format('\\item %s\\NWpages{%s}{%s}', key, pages(defined), pages(used))
end

function M.chunk_index(rows)
    local out = {}
    for i, r in ipairs(rows) do
        out[i] = index_item('$\\langle$\\textit{' .. name(r.name) .. '}$\\rangle$', r.defined, r.used)
    end
    return index(out)
end

function M.ident_index(rows)
    local out = {}
    for i, r in ipairs(rows) do out[i] = index_item('\\texttt{' .. code(r.name) .. '}', r.defined, r.used) end
    return index(out)
end

return M
