-- chunks.lua - reads the tokens of code chunks and connects chunks to one
-- another: parts of the same name, uses, languages, identifiers.
local text = require 'strings'
local lexer = require 'lexer'
local problems = require 'problems'

local M = {
    order = {},       -- all chunks, as they stand in the book
    parts = {},       -- name -> list of its definitions
    users = {},       -- name -> list of chunks that refer to it
    idents = {},      -- identifier -> list of chunks that declare it
}

local slugs = {}

local function unique_slug(name)
    local s = 'c-' .. text.slug(name)
    slugs[s] = (slugs[s] or 0) + 1
    return slugs[s] == 1 and s or s .. '-' .. slugs[s]
end

function M.is_file(name)
    return name:match('^[%w_][%w_.+/-]*$') ~= nil and name:match('[./]') ~= nil
end

-- One handler for each kind of token; `c` is the chunk, `at` the reader's state.
local handlers = {}

function handlers.file(c, _, value) c.file = value end
function handlers.line(c, at, value) c.line = tonumber(value); at.line = c.line end
function handlers.defn(c, _, value)
    c.replaces = value:match('^replace: ') ~= nil
    c.name = value:gsub('^replace: ', '')
end
function handlers.text(_, at, value) at.segments[#at.segments + 1] = { text = value } end
function handlers.use(c, at, value)
    at.segments[#at.segments + 1] = { use = value, line = at.line }
    c.uses[#c.uses + 1] = { name = value, line = at.line }
end
function handlers.nl(c, at)
    if at.heading then at.heading = false
    else c.lines[#c.lines + 1] = { number = at.line, segments = at.segments } end
    at.segments = {}
    at.line = at.line + 1
end
function handlers.index(c, at, value)
    local ident = value:match('^defn (.*)$')
    if ident then c.idents[#c.idents + 1] = ident end
    if value == 'nl' then at.line = at.line + 1 end
end

-- Reads one chunk and gives it its place in the order; `number` is its
-- number in print, "8.12".
function M.read(raw, number)
    local c = { lines = {}, idents = {}, uses = {}, number = number }
    local at = { segments = {}, heading = true, line = 0 }
    for token in raw:gmatch('[^\n]+') do
        local kind, value = token:match('^@(%S+) ?(.*)$')
        if handlers[kind] then handlers[kind](c, at, value) end
    end
    c.slug = unique_slug(c.name)
    c.last_line = at.line
    M.order[#M.order + 1] = c
    return c
end

local function append(t, key, value)
    t[key] = t[key] or {}
    table.insert(t[key], value)
end

-- Calls f with every chunk that `name` leads to, itself included, once.
local function each_below(name, f, seen)
    seen = seen or {}
    if seen[name] then return end
    seen[name] = true
    for _, c in ipairs(M.parts[name] or {}) do
        f(c)
        for _, use in ipairs(c.uses) do each_below(use.name, f, seen) end
    end
end

-- The language and the top directory of a file belong to all that it contains.
local function flow_from_files()
    for name in pairs(M.parts) do
        if M.is_file(name) then
            local ending = name:match('%.(%w+)$') or name:match('[^/]+$'):lower()
            local top = name:match('^[^/]+')
            each_below(name, function(c)
                c.language = c.language or ending
                c.top = c.top or top
            end)
        end
    end
end

local function mark_replaced(parts)
    local replacer
    for i = #parts, 1, -1 do
        parts[i].replaced_by = replacer
        if parts[i].replaces then replacer = parts[i] end
    end
end

local function source(line)
    local s = {}
    for _, g in ipairs(line.segments) do s[#s + 1] = g.use and lexer.REFERENCE or g.text end
    return table.concat(s)
end

-- Is the identifier written like a function or macro with arguments where it is declared?
local function called_in(c, ident)
    for _, line in ipairs(c.lines) do
        if (' ' .. source(line)):find('[^%w_]' .. ident .. '%s*%(') then return true end
    end
    return false
end

-- Fills in everything that needs all chunks to be known.
function M.connect()
    for _, c in ipairs(M.order) do
        append(M.parts, c.name, c)
        for _, use in ipairs(c.uses) do
            local users = M.users[use.name]
            if not users or users[#users] ~= c then append(M.users, use.name, c) end
        end
    end
    for name, parts in pairs(M.parts) do
        for i, c in ipairs(parts) do c.part = i; c.previous = parts[i - 1]; c.next = parts[i + 1] end
        mark_replaced(parts)
        if not M.users[name] and not M.is_file(name) then
            problems.add(parts[1].file .. ':' .. parts[1].line, '<<' .. name .. '>> is an orphan: no chunk refers to it')
        end
    end
    flow_from_files()
    for _, c in ipairs(M.order) do
        for _, ident in ipairs(c.idents) do append(M.idents, ident, c) end
        for _, use in ipairs(c.uses) do
            if not M.parts[use.name] then
                problems.add(c.file .. ':' .. use.line, '<<' .. use.name .. '>> is not defined')
            end
        end
    end
    for _, c in ipairs(M.order) do M.tokenize(c) end
end

-- The chunk that an identifier means to `c`: declared in itself, else in the
-- same part of the system (kernel, userland, ...), else wherever first.
function M.definition(ident, c)
    local list = M.idents[ident]
    if not list then return nil end
    local best
    for _, d in ipairs(list) do
        if d == c then return d end
        if c and d.top == c.top then best = best or d end
    end
    return best or list[1]
end

-- A name after . or -> is a member; it may not mean a function of that name.
local function is_member(tokens, i)
    local before = tokens[i - 1]
    if not before then return false end
    if before.text == '.' then return true end
    return before.text == '>' and tokens[i - 2] and tokens[i - 2].text == '-'
end

local tag_words = text.set [[struct union enum]]

-- Is the identifier declared as the tag of a structure, and as nothing else?
local function is_tag(c, ident)
    for _, line in ipairs(c.lines) do
        local word = (' ' .. source(line)):match('[^%w_](%a+)%s+' .. ident .. '%f[^%w_]')
        if word and tag_words[word] then return not called_in(c, ident) end
    end
    return false
end

local function follows_tag_word(tokens, i)
    local before = tokens[i - 2]
    return before ~= nil and tag_words[before.text] ~= nil
end

local function link_target(c, tokens, i)
    local token = tokens[i]
    if token.kind ~= 'id' then return nil end
    local target = M.definition(token.text, c)
    if not target then return nil end
    if is_member(tokens, i) and called_in(target, token.text) then return nil end
    if is_tag(target, token.text) and not follows_tag_word(tokens, i) then return nil end
    return target
end

-- "global start" and "extern start" define nothing yet.
local function only_announces(tokens)
    local first = tokens[1] and tokens[1].kind == 'sp' and tokens[2] or tokens[1]
    return first ~= nil and (first.text == 'global' or first.text == 'extern')
end

-- Cuts the chunk's lines into tokens.  An identifier that another chunk
-- declares gets that chunk as its target, and is remembered as used; where one
-- of its own first stands, it is said to define it.
function M.tokenize(c)
    local state, language = {}, lexer.language(c.language)
    local declared = {}
    for _, ident in ipairs(c.idents) do declared[ident] = true end
    c.used_idents = {}
    for _, line in ipairs(c.lines) do
        local uses = {}
        for _, g in ipairs(line.segments) do if g.use then uses[#uses + 1] = g.use end end
        line.tokens = lexer.tokens(language, source(line), state)
        for i, token in ipairs(line.tokens) do
            if token.kind == 'use' then token.name = table.remove(uses, 1) end
            token.target = link_target(c, line.tokens, i)
            if token.target == c then
                token.target = nil
                if not only_announces(line.tokens) then
                    token.defines = declared[token.text]
                    declared[token.text] = nil
                end
            elseif token.target then
                c.used_idents[token.text] = token.target
            end
        end
    end
end

-- Identifiers that the chunk uses and another declares, sorted.
function M.foreign_idents(c)
    local names = {}
    for ident in pairs(c.used_idents) do names[#names + 1] = ident end
    table.sort(names, function(a, b) return a:lower() < b:lower() end)
    return names
end

-- Chunks that use the identifier but do not declare it, in order.
function M.ident_users(ident)
    local users = {}
    for _, c in ipairs(M.order) do
        if c.used_idents[ident] then users[#users + 1] = c end
    end
    return users
end

return M
