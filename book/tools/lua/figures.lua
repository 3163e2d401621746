-- figures.lua - TikZ: as it is in print, as inline SVG elsewhere.  All
-- pictures that are not in the cache (build/book/figures, by hash) are drawn
-- in one run of xelatex; only when that fails each is tried alone, to say
-- which one is wrong.  What a kernel has written about its objects becomes
-- TikZ first, by book/tools/graph.
local text = require 'strings'
local problems = require 'problems'
local references = require 'references'
local stringify = pandoc.utils.stringify

local M = {}

local cache = (os.getenv('WEAVE_OUT') or 'build/book') .. '/figures'
local scratch = os.getenv('WEAVE_SCRATCH') or cache
local style = text.read_file('figures/style.tex') or ''

local graph_tool = PANDOC_SCRIPT_FILE:match('(.*)lua/') .. 'graph'
local drawn_graphs = {}

-- The TikZ code for the lines of a .graph block.
local function graph(block)
    if drawn_graphs[block.text] then return drawn_graphs[block.text] end
    local lines, complaint = scratch .. '/graph.txt', scratch .. '/graph.err'
    text.write_file(lines, block.text .. '\n')
    local tool = assert(io.popen(string.format('%s tikz --strict %s 2>%s', text.shell_quote(graph_tool),
        text.shell_quote(lines), text.shell_quote(complaint))))
    local code = tool:read('a')
    if not tool:close() then
        local why = (text.read_file(complaint) or ''):gsub('^graph: [^:]*: ', ''):gsub('%s+$', '')
        problems.add(problems.locate('#' .. block.identifier),
            'the graph ' .. block.identifier .. ' cannot be drawn: ' .. why)
    end
    drawn_graphs[block.text] = code
    return code
end

-- The TikZ code of a block: its text, or figures/NAME.tikz with src=NAME.
local function source(block)
    if block.classes:includes('graph') then return graph(block) end
    local src = block.attributes.src
    if not src then return block.text end
    local file = 'figures/' .. src:gsub('%.tikz$', '') .. '.tikz'
    local code = text.read_file(file)
    if not code then
        problems.add(problems.locate('#' .. block.identifier), 'there is no ' .. file)
    end
    return code or ''
end

local function hash(code) return pandoc.sha1(style .. code) end
local function svg_file(code) return cache .. '/' .. hash(code) .. '.svg' end

-- Draws pictures { code } into their cache files; true when all went well.
-- A file appears in the cache whole: another weave may be looking.
local function draw(pictures)
    local doc = { '\\documentclass[border=2pt,multi=picturepage]{standalone}',
        '\\usepackage{ruxfonts}\\newenvironment{picturepage}{}{}\\input{figures/style}', '\\begin{document}' }
    for _, p in ipairs(pictures) do
        doc[#doc + 1] = '\\begin{picturepage}\n' .. p.code .. '\n\\end{picturepage}'
    end
    doc[#doc + 1] = '\\end{document}\n'
    text.write_file(scratch .. '/figures.tex', table.concat(doc, '\n'))
    local base = text.shell_quote(scratch .. '/figures')
    local ok = os.execute(string.format(
        'xelatex -interaction=batchmode -halt-on-error -output-directory=%s %s.tex >/dev/null',
        text.shell_quote(scratch), base))
    for page, p in ipairs(ok and pictures or {}) do
        ok = ok and os.execute(string.format('pdftocairo -svg -f %d -l %d %s.pdf %s.svg && mv %s.svg %s', page, page,
            base, base, base, text.shell_quote(svg_file(p.code))))
    end
    return ok
end

-- "! Undefined control sequence." and the line it stands on, from a TeX log.
local function tex_complaint()
    local s = text.read_file(scratch .. '/figures.log') or ''
    local message = s:match('\n! ([^\n]*)') or 'xelatex does not say why'
    local at = s:match('\nl%.%d+ ([^\n]*)')
    return at and message .. ' at "' .. at .. '"' or message
end

local function draw_one_by_one(pictures)
    for _, p in ipairs(pictures) do
        if not draw { p } then
            problems.add(problems.locate('#' .. p.id), 'the figure ' .. p.id .. ' cannot be drawn: ' .. tex_complaint())
        end
    end
end

function M.is_figure(block)
    return block.classes:includes('tikz') or block.classes:includes('graph')
end

-- Draws whatever pictures of the document are not in the cache yet.
function M.prepare(document)
    local missing, seen = {}, {}
    pandoc.walk_block(pandoc.Div(document.blocks), {
        CodeBlock = function(b)
            if not M.is_figure(b) then return end
            local code = source(b)
            local drawn = io.open(svg_file(code))
            if drawn then drawn:close()
            elseif code ~= '' and not seen[code] then
                missing[#missing + 1] = { code = code, id = b.identifier }
                seen[code] = true
            end
        end,
    })
    if #missing == 0 then return end
    os.execute('mkdir -p ' .. text.shell_quote(cache))
    if not draw(missing) then draw_one_by_one(missing) end
end

-- Colours follow the page: black is the text's, the accent and tints of both
-- are mixed with the page's background.  Books on paper-like readers keep
-- the literal colours.
local accent = { 12.2, 35.3, 54.1 }

local function near(a, b) return math.abs(a - b) < 1.5 end

local function page_colour(r, g, b)
    if near(r, g) and near(g, b) then
        if r < 1 then return 'currentColor' end
        if r > 99 then return 'var(--bg)' end
        return string.format('color-mix(in srgb,currentColor %d%%,var(--bg))', math.floor(100 - r + 0.5))
    end
    local share = (100 - r) / (100 - accent[1])
    if near(100 - g, share * (100 - accent[2])) and near(100 - b, share * (100 - accent[3])) then
        if share > 0.98 then return 'var(--accent)' end
        return string.format('color-mix(in srgb,var(--accent) %d%%,var(--bg))', math.floor(100 * share + 0.5))
    end
end

local function recolour(svg)
    return (svg:gsub('([%a-]+):rgb%(([%d.]+)%%, ?([%d.]+)%%, ?([%d.]+)%%%);?', function(property, r, g, b)
        local literal = string.format('%s:rgb(%s%%,%s%%,%s%%);', property, r, g, b)
        local colour = page_colour(tonumber(r), tonumber(g), tonumber(b))
        if colour == 'currentColor' then return property .. ':currentColor;' end
        return colour and literal .. property .. ':' .. colour .. ';' or literal
    end))
end

-- Coordinates need two decimals (the factors of a transformation need all).
local function round(attribute, value)
    return string.format(' %s="%s"', attribute, (value:gsub('(%d+%.%d%d)%d+', '%1')))
end

-- The SVG to put into a page: own names, no empty paths, larger than print.
local function inline_svg(code, alternative, for_web)
    local svg = text.read_file(svg_file(code)) or '<svg></svg>'
    local prefix = 's' .. hash(code):sub(1, 6) .. '-'
    svg = svg:gsub('^<%?xml.-%?>%s*', ''):gsub('<path[^>]-%sd=""[^>]-/>', '')
    svg = svg:gsub('id="', 'id="' .. prefix):gsub('xlink:href="#', 'xlink:href="#' .. prefix)
        :gsub('url%(#', 'url(#' .. prefix)
    svg = svg:gsub(' ([dxy])="([^"]*)"', round)
    local width, height = svg:match('width="([%d.]+)pt"'), svg:match('height="([%d.]+)pt"')
    svg = svg:gsub(' width="[^"]*"', '', 1):gsub(' height="[^"]*"', '', 1):gsub(' version="[^"]*"', '', 1)
    if for_web then svg = recolour(svg) end
    return (svg:gsub('<svg ', string.format('<svg role="img" aria-label="%s" width="%d" height="%d" ',
        text.html(alternative), math.ceil((tonumber(width) or 0) * 1.6), math.ceil((tonumber(height) or 0) * 1.6)), 1))
end

-- What the back ends need to know about a figure.  The alternative text is
-- the attribute alt, else the caption, and for a graph its lines besides.
function M.figure(block, label, print)
    local code = source(block)
    local caption = references.caption(block.attributes.caption or '')
    if #caption == 0 then
        problems.add(problems.locate('#' .. block.identifier), 'the figure ' .. block.identifier .. ' has no caption')
    end
    local alternative = block.attributes.alt or stringify(caption)
    if block.classes:includes('graph') then
        alternative = alternative .. ' ' .. block.text:gsub('%[kernel%] *', ''):gsub('\n', '; ')
    end
    return {
        id = block.identifier, number = label.number, caption = caption, source = code,
        svg = not print and inline_svg(code, alternative, os.getenv('WEAVE_EDITION') ~= 'epub') or nil,
    }
end

return M
