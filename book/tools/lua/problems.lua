-- problems.lua - collects what is wrong with the book, with file and line,
-- and stops the weave when there is anything.
local text = require 'strings'
local M = { list = {} }

local lines_of = {}

-- The book's files, one a line, are listed in WEAVE_FILES.
local function book_files()
    local files = {}
    for name in (text.read_file(os.getenv('WEAVE_FILES') or '') or ''):gmatch('[^\n]+') do
        files[#files + 1] = name
    end
    return files
end

local function lines(name)
    if not lines_of[name] then
        local t = {}
        for line in ((text.read_file(name) or '') .. '\n'):gmatch('(.-)\n') do t[#t + 1] = line end
        lines_of[name] = t
    end
    return lines_of[name]
end

-- Does `needle` stand in `line`, not merely as the beginning of a longer name?
local function contains(line, needle)
    local from = 1
    while true do
        local a, b = line:find(needle, from, true)
        if not a then return false end
        if not (needle:match('[%w_-]$') and line:sub(b + 1):match('^[%w_-]')) then return true end
        from = b + 1
    end
end

-- "book/08-x.nw:12", the first place where the text `needle` is written.
function M.locate(needle)
    for _, name in ipairs(book_files()) do
        for n, line in ipairs(lines(name)) do
            if contains(line, needle) then return name .. ':' .. n end
        end
    end
    return 'book'
end

function M.add(place, message)
    M.list[#M.list + 1] = place .. ': error: ' .. message
end

-- Prints all problems and ends the weave if there are any.
function M.stop_if_any()
    if #M.list == 0 then return end
    table.sort(M.list)
    local last
    for _, message in ipairs(M.list) do
        if message ~= last then io.stderr:write(message, '\n') end
        last = message
    end
    os.exit(1)
end

return M
