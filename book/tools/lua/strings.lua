-- strings.lua - escaping, slugs and files: the small change of the weave.
local M = {}

local latex_names = {
    ['\\'] = '\\textbackslash{}', ['{'] = '\\{', ['}'] = '\\}', ['$'] = '\\$',
    ['&'] = '\\&', ['#'] = '\\#', ['^'] = '\\textasciicircum{}', ['_'] = '\\_',
    ['%'] = '\\%', ['~'] = '\\textasciitilde{}',
}
-- In typewriter type quotes stay upright, and no ligature may form.
local latex_code_names = {
    ["'"] = '\\textquotesingle{}', ['`'] = '\\textasciigrave{}',
    ['"'] = '\\textquotedbl{}', ['-'] = '{-}', ['<'] = '{<}', ['>'] = '{>}',
}
local html_names = { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;' }

function M.latex(s)
    return (s:gsub('[\\{}$&#^_%%~]', latex_names))
end

function M.latex_code(s)
    return (s:gsub('.', function(c) return latex_names[c] or latex_code_names[c] end))
end

function M.html(s)
    return (s:gsub('[&<>"]', html_names))
end

-- "cap_lookup: refuse!" becomes "cap-lookup-refuse".
function M.slug(s)
    return (s:lower():gsub('[^%w]+', '-'):gsub('^%-+', ''):gsub('%-+$', ''))
end

-- Identifiers of HTML elements; ':' is legal but a nuisance in CSS.
function M.html_id(s)
    return (s:gsub('[^%w%-_.]', '-'))
end

function M.set(words)
    local t = {}
    for w in words:gmatch('%S+') do t[w] = true end
    return t
end

function M.read_file(name)
    local f = io.open(name)
    if not f then return nil end
    local s = f:read('a')
    f:close()
    return s
end

function M.write_file(name, s)
    local f = assert(io.open(name, 'w'))
    f:write(s)
    f:close()
end

function M.shell_quote(s)
    return "'" .. s:gsub("'", "'\\''") .. "'"
end

return M
