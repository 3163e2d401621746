-- references.lua - what stands inside a line of prose: quoted code and chunk
-- names, references to chapters, sections, figures and the like, citations.
local text = require 'strings'
local chunks = require 'chunks'
local numbering = require 'numbering'
local problems = require 'problems'

local M = { cited = {} }

local prefixes = text.set [[ch sec fig tab ex inv run]]

-- Keys of the bibliography.
local function read_keys(file)
    local keys = {}
    for key in (text.read_file(file) or ''):gmatch('@%a+%s*{%s*([^,%s]+)%s*,') do keys[key] = true end
    return keys
end

-- The identifier that a piece of quoted code is about: name, name(), struct name.
local function quoted_ident(code)
    local name = code:match('^([%a_][%w_]*)$') or code:match('^([%a_][%w_]*)%(.*%)$')
    return name or code:match('^%a+ ([%a_][%w_]*)$')
end

-- `code`{.nwq} and `name`{.nwuse}, as markdown.awk writes them.
local function quoted(out)
    return function(e)
        if e.classes:includes('nwuse') then
            if not chunks.parts[e.text] then
                problems.add(problems.locate('[[<<' .. e.text .. '>>]]'), '<<' .. e.text .. '>> is not defined')
                return nil
            end
            return out.inline(out.chunk_reference(e.text))
        elseif e.classes:includes('nwq') then
            local name = quoted_ident(e.text)
            local target = name and chunks.definition(name, nil)
            return out.inline(out.quoted_code(e.text, target))
        end
    end
end

local function is_reference(id)
    local prefix = id:match('^(%a+):')
    return prefix ~= nil and prefixes[prefix] ~= nil
end

-- A sentence may begin with @Fig:x.
local function lower_prefix(id)
    return (id:gsub('^(%u)(%a*:)', function(first, rest) return first:lower() .. rest end))
end

-- @fig:x, or several in one pair of brackets: [@fig:x; @fig:y].
local function cite(out, keys)
    return function(e)
        local links = pandoc.List()
        for _, citation in ipairs(e.citations) do
            local id = lower_prefix(citation.id)
            if is_reference(id) then
                local l = numbering.labels[id]
                if l then
                    if #links > 0 then links:extend { pandoc.Str ',', pandoc.Space() } end
                    links:insert(out.inline(out.reference(id, l)))
                else
                    problems.add(problems.locate('@' .. citation.id), 'the reference @' .. id .. ' leads nowhere')
                end
            elseif not keys[id] then
                problems.add(problems.locate('@' .. id), 'book/refs.bib has no entry ' .. id
                    .. (id:find(':', 1, true) and ', and it is no reference (@ch: @sec: @fig: @tab: @ex: @inv: @run:)' or ''))
            else
                M.cited[id] = true
            end
        end
        if #links > 0 then return links end
    end
end

-- In captions, which stand in attributes, [[x]] has not been marked yet.
function M.caption(markdown)
    local marked = markdown:gsub('%[%[(.-)%]%]', '`%1`{.nwq}')
    local blocks = pandoc.read(marked, 'markdown').blocks
    return blocks[1] and blocks[1].content or pandoc.List()
end

function M.filter(out, bibliography)
    return { Code = quoted(out), Cite = cite(out, read_keys(bibliography)) }
end

return M
