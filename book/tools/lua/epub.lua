-- epub.lua - writes the pages as the parts of an EPUB 3: XHTML, a navigation
-- document, the package file.  The shell packs them.
local text = require 'strings'
local esc = text.html
local M = {}

local page_template = [[
<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en">
<head><title>%s</title><link rel="stylesheet" href="epub.css" type="text/css"/></head>
<body>%s</body>
</html>
]]

local package_template = [[
<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">%s</dc:identifier>
<dc:title>%s</dc:title>
<dc:creator>%s</dc:creator>
<dc:language>en</dc:language>
<dc:rights>%s</dc:rights>
<meta property="dcterms:modified">%sT00:00:00Z</meta>
</metadata>
<manifest>
<item id="css" href="epub.css" media-type="text/css"/>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
%s
</manifest>
<spine>
%s
</spine>
</package>
]]

local container = [[
<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
]]

local function properties(page)
    local p = {}
    if page.body:find('<math', 1, true) then p[#p + 1] = 'mathml' end
    if page.body:find('<svg', 1, true) then p[#p + 1] = 'svg' end
    return #p > 0 and ' properties="' .. table.concat(p, ' ') .. '"' or ''
end

-- Attributes that only the scripts of the web edition read.
local function plain(body)
    return (body:gsub(' data%-parts="[^"]*"', ''))
end

local function navigation(pages)
    local out = { '<nav epub:type="toc" id="toc"><h1>Contents</h1><ol>' }
    for i = 2, #pages do
        local p, subs = pages[i], {}
        for _, s in ipairs(p.sections) do
            if s.level == 2 then
                subs[#subs + 1] = string.format('<li><a href="%s#%s">%s</a></li>', p.file, s.id, s.html)
            end
        end
        out[#out + 1] = string.format('<li><a href="%s">%s</a>%s</li>', p.file, esc(p.title),
            #subs > 0 and '<ol>' .. table.concat(subs) .. '</ol>' or '')
    end
    out[#out + 1] = '</ol></nav>'
    return table.concat(out)
end

-- Files in dir/EPUB and dir/META-INF; the first page is the cover.
function M.write(dir, pages, meta)
    local manifest, spine = {}, {}
    for i, p in ipairs(pages) do
        text.write_file(dir .. '/EPUB/' .. p.file, page_template:format(esc(p.title), plain(p.body)))
        manifest[i] = string.format('<item id="p%d" href="%s" media-type="application/xhtml+xml"%s/>', i, p.file,
            properties(p))
        spine[i] = string.format('<itemref idref="p%d"/>', i)
    end
    text.write_file(dir .. '/EPUB/nav.xhtml', page_template:format('Contents', navigation(pages)))
    text.write_file(dir .. '/EPUB/package.opf', package_template:format(esc(meta.identifier), esc(meta.title),
        esc(meta.author), esc(meta.rights), os.date('!%Y-%m-%d'), table.concat(manifest, '\n'),
        table.concat(spine, '\n')))
    text.write_file(dir .. '/META-INF/container.xml', container)
    text.write_file(dir .. '/mimetype', 'application/epub+zip')
end

return M
